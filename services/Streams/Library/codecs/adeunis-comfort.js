// uses shared/adeunis.js
// Adeunis Comfort: room temperature and humidity, the newest of several first.

function decodeUplink(input) {
  if (input.bytes.length < 2) return { errors: ['a message has at least 2 bytes'] };
  var state = status(input.bytes[1]);
  state.configurationInconsistency = (input.bytes[1] & 0x08) !== 0;
  state.timestamp = (input.bytes[1] & 0x04) !== 0;
  var cut = timed(input.bytes);
  var bytes = cut.bytes;
  if (bytes[0] === 0x4c) {
    if (bytes.length < 5 || (bytes.length - 2) % 3 !== 0) return { errors: ['the message ends within a value'] };
    var temperatures = [];
    var humidities = [];
    for (var at = 2; at < bytes.length; at += 3) {
      temperatures.push(int16(bytes, at) / 10);
      humidities.push(bytes[at + 2]);
    }
    return message('0x4c Comfort 2 data', state, cut.time, {
      decodingInfo: 'values: [t=0, t-1, t-2, ...]',
      temperature: { unit: '°C', values: temperatures },
      humidity: { unit: '%', values: humidities },
    });
  }
  if (bytes[0] === 0x4d) {
    if (bytes.length !== 6) return { errors: ['an alarm has 6 bytes and a time'] };
    return message('0x4d Comfort 2 alarm', state, cut.time, {
      alarmTemperature: { alarmStatus: bytes[2] >> 4 ? 'active' : 'inactive', temperature: { unit: '°C', value: int16(bytes, 3) / 10 } },
      alarmHumidity: { alarmStatus: bytes[2] & 1 ? 'active' : 'inactive', humidity: { unit: '%', value: bytes[5] } },
    });
  }
  return other(bytes, state);
}

/** The newest values. */
function normalizeUplink(input) {
  var from = input.data.bytes;
  var data = { battery_low: from.status.lowBattery };
  if (from.temperature) data.temperature = first(from.temperature.values);
  if (from.humidity) data.humidity = first(from.humidity.values);
  if (from.alarmTemperature) data.temperature = from.alarmTemperature.temperature.value;
  if (from.alarmHumidity) data.humidity = from.alarmHumidity.humidity.value;
  return { data: data };
}
