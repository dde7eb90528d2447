// Tektelic Smart Room Sensor, third generation: a channel byte, a type byte, a value; big-endian. The maker gives port and message as texts, too.

function int16(bytes, at) {
  return ((bytes[at] << 24) >> 16) | bytes[at + 1];
}

function uint16(bytes, at) {
  return (bytes[at] << 8) | bytes[at + 1];
}

/** By channel and type in decimal: how many bytes follow, and what they put into `data`. */
var channels = {
  '0/186': [2, function (d, b, i) { d.battery_voltage = uint16(b, i) / 1000; }],
  '1/0': [1, function (d, b, i) { d.reed_state = b[i]; }],
  '2/0': [1, function (d, b, i) { d.light_detected = b[i]; }],
  '3/103': [2, function (d, b, i) { d.ambient_temperature = int16(b, i) / 10; }],
  '4/104': [1, function (d, b, i) { d.relative_humidity = b[i] / 2; }],
  '8/4': [2, function (d, b, i) { d.reed_count = uint16(b, i); }],
  '10/0': [1, function (d, b, i) { d.motion_event_state = b[i]; }],
  '13/4': [2, function (d, b, i) { d.motion_event_count = uint16(b, i); }],
};

function decodeUplink(input) {
  var bytes = input.bytes;
  if (input.fPort !== 10) return { errors: ['unknown port ' + input.fPort] };
  var hex = bytes.map(function (byte) { return ('0' + byte.toString(16)).slice(-2).toUpperCase(); });
  var data = { port: String(input.fPort), raw: '[' + hex.join(', ') + ']' };
  for (var at = 0; at < bytes.length; ) {
    var channel = channels[bytes[at] + '/' + bytes[at + 1]];
    if (!channel) return { data: data, errors: [], warnings: ['unknown channel ' + bytes[at] + ' at byte ' + at + '; the rest is not read'] };
    if (at + 2 + channel[0] > bytes.length) return { errors: ['the message ends within the value at byte ' + at] };
    channel[1](data, bytes, at + 2);
    at += 2 + channel[0];
  }
  return { data: data, errors: [], warnings: [] };
}

/** The states as truth values. */
function normalizeUplink(input) {
  var data = {};
  if (input.data.light_detected !== undefined) data.light = input.data.light_detected !== 0;
  if (input.data.motion_event_state !== undefined) data.motion = input.data.motion_event_state !== 0;
  if (input.data.reed_state !== undefined) data.reed_open = input.data.reed_state !== 0;
  return { data: data };
}
