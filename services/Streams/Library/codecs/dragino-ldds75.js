// Dragino LDDS75: ultrasonic distance.

function decodeUplink(input) {
  var bytes = input.bytes;
  if (input.fPort !== 2) return { errors: ['unknown port ' + input.fPort] };
  // Without its probe the device sends no full message.
  if (bytes.length < 5) return { data: { distance: 'No Sensor' } };
  var distance = (bytes[2] << 8) | bytes[3];
  return {
    data: {
      Bat: (((bytes[0] << 8) | bytes[1]) & 0x3fff) / 1000,
      distance: distance < 20 ? 'Invalid Reading' : distance,
      Interrupt_flag: bytes[4],
    },
  };
}
