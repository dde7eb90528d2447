// uses shared/adeunis.js
// Adeunis Temp: one or two temperature probes, the newest of several values first; with two probes their values alternate.

function decodeUplink(input) {
  if (input.bytes.length < 2) return { errors: ['a message has at least 2 bytes'] };
  var two = (input.bytes[1] & 0x10) !== 0;
  var state = status(input.bytes[1]);
  state.configurationInconsistency = (input.bytes[1] & 0x08) !== 0;
  state.configuration2ChannelsActivated = two;
  state.timestamp = (input.bytes[1] & 0x04) !== 0;
  var cut = timed(input.bytes);
  var bytes = cut.bytes;
  if (bytes[0] !== 0x57) return other(bytes, state);
  if (bytes.length < 4 || bytes.length % (two ? 4 : 2) !== (two ? 2 : 0)) return { errors: ['the message ends within a value'] };
  var probes = [{ name: 'temperature 1', unit: '°C', values: [] }];
  if (two) probes.push({ name: 'temperature 2', unit: '°C', values: [] });
  for (var at = 2, turn = 0; at < bytes.length; at += 2, turn++) probes[turn % probes.length].values.push(int16(bytes, at) / 10);
  return message('0x57 Temp 4 periodic data', state, cut.time, { decodingInfo: 'values: [t=0, t-1, t-2, ...]', temperatures: probes });
}

/** The newest values; -3276.8 °C stands for a probe that is not there. */
function normalizeUplink(input) {
  var from = input.data.bytes;
  var data = { battery_low: from.status.lowBattery };
  (from.temperatures || []).forEach(function (probe, index) {
    var value = first(probe.values);
    if (value > -200) data['temperature_' + (index + 1)] = value;
  });
  return { data: data };
}
