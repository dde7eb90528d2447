// Browan TBMS100: motion sensor (PIR).

function decodeUplink(input) {
  var bytes = input.bytes;
  if (input.fPort !== 102) return { errors: ['unknown port ' + input.fPort] };
  if (bytes.length < 8) return { errors: ['a message has 8 bytes'] };
  return {
    data: {
      status: bytes[0] & 1,
      battery: (25 + (bytes[1] >> 4)) / 10,
      temperatureBoard: (bytes[2] & 0x7f) - 32,
      time: bytes[3] | (bytes[4] << 8),
      count: bytes[5] | (bytes[6] << 8) | (bytes[7] << 16),
    },
  };
}
