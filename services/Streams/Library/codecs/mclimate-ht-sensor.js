// MClimate HT sensor: room temperature and humidity. What a longer message says of an external probe is not read.

function decodeUplink(input) {
  var bytes = input.bytes;
  if (bytes[0] !== 1) return { errors: ['no periodic message'] };
  if (bytes.length !== 5 && bytes.length !== 7) return { errors: ['a periodic message has 5 or 7 bytes'] };
  return {
    data: {
      reason: 'keepalive',
      temperature: (((bytes[1] << 8) | bytes[2]) - 400) / 10,
      humidity: Number(((bytes[3] * 100) / 256).toFixed(2)),
      batteryVoltage: Number((2 + (bytes[4] >> 4) / 10).toFixed(2)),
    },
  };
}
