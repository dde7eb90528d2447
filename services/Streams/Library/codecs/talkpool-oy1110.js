// Talkpool OY1110: temperature and humidity in three bytes, 12 bits each. On port 3 the newest of several comes first.

function decodeUplink(input) {
  var at = input.fPort === 3 ? 1 : 0;
  if (input.fPort !== 2 && input.fPort !== 3) return { errors: ['unknown port ' + input.fPort] };
  if (input.bytes.length < at + 3 || (input.bytes.length - at) % 3 !== 0) return { errors: ['a measurement has 3 bytes'] };
  var b = input.bytes.slice(at, at + 3);
  return {
    data: {
      Temperature: (((b[0] << 4) | (b[2] >> 4)) - 800) / 10,
      RelativeHumidity: (((b[1] << 4) | (b[2] & 0x0f)) - 250) / 10,
    },
  };
}
