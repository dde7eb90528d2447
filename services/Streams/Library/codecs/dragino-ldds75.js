// uses shared/dragino.js
// Dragino LDDS75: ultrasonic distance.

function decodeUplink(input) {
  var bytes = input.bytes;
  if (input.fPort !== 2) return { errors: ['unknown port ' + input.fPort] };
  // Without its probe the device sends no full message.
  if (bytes.length < 5) return { data: { distance: 'No Sensor' } };
  var distance = uint16(bytes, 2);
  return {
    data: {
      Bat: volts(bytes),
      distance: distance < 20 ? 'Invalid Reading' : distance,
      Interrupt_flag: bytes[4],
    },
  };
}
