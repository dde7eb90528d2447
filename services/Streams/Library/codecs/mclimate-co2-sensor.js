// MClimate CO2 sensor: periodic message, alone or at the end of the answer to a command.

function decodeUplink(input) {
  var bytes = input.bytes;
  var at = bytes[0] === 1 ? 0 : bytes.length - 7;
  if (at < 0 || bytes.length - at < 7) return { errors: ['a periodic message has 7 bytes'] };
  var data = {
    co2: (bytes[at + 1] << 8) | bytes[at + 2],
    temperature: (((bytes[at + 3] << 8) | bytes[at + 4]) - 400) / 10,
    humidity: Number(((bytes[at + 5] * 100) / 256).toFixed(2)),
    battery: Number(((bytes[at + 6] * 8 + 1600) / 1000).toFixed(2)),
  };
  return { data: data, warnings: at > 0 ? ['the answer to a command before the measurement is not read'] : [] };
}
