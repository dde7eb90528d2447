// uses shared/adeunis.js
// Adeunis Pulse: counts the pulses of up to two meters. The newest count, then what was added in each interval before.

function decodeUplink(input) {
  if (input.bytes.length < 2) return { errors: ['a message has at least 2 bytes'] };
  var state = status(input.bytes[1]);
  state.timestamp = (input.bytes[1] & 0x04) !== 0;
  var cut = timed(input.bytes);
  var bytes = cut.bytes;
  if (bytes[0] !== 0x5a && bytes[0] !== 0x5b) return other(bytes, state);
  if (bytes.length < 6 || bytes.length % 2 !== 0) return { errors: ['the message ends within a value'] };
  var counts = [uint32(bytes, 2)];
  for (var at = 6; at < bytes.length; at += 2) counts.push(counts[counts.length - 1] - uint16(bytes, at));
  var channel = bytes[0] === 0x5a ? '0x5a Pulse 4 data - channel A' : '0x5b Pulse 4 data - channel B';
  return message(channel, state, cut.time, { decodingInfo: 'counterValues: [t=0, t-1, t-2, ...]', counterValues: counts });
}

/** The newest count of the channel that the message tells of. */
function normalizeUplink(input) {
  var from = input.data.bytes;
  var data = { battery_low: from.status.lowBattery };
  if (from.counterValues) data[/B$/.test(from.type) ? 'count_b' : 'count_a'] = from.counterValues[0];
  return { data: data };
}
