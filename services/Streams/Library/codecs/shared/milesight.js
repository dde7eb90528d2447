// Milesight's format: a channel byte, a type byte, then a value whose length the two decide; little-endian. A codec that builds on this
// lists its channels by 'channel/type' in decimal: [how many bytes follow, function of data, bytes and the place of the value].

function uint16(bytes, at) {
  return bytes[at] | (bytes[at + 1] << 8);
}

function int16(bytes, at) {
  return (uint16(bytes, at) << 16) >> 16;
}

function hex(bytes) {
  return bytes.map(function (byte) { return ('0' + byte.toString(16)).slice(-2); }).join('');
}

/** Channel 255 tells of the device itself, after it was switched on. */
var attributes = {
  '255/1': [1, function (d, b, i) { d.protocol_version = b[i]; }],
  '255/8': [6, function (d, b, i) { d.sn = hex(b.slice(i, i + 6)); }],
  '255/9': [2, function (d, b, i) { d.hardware_version = b[i] + '.' + (b[i + 1] >> 4); }],
  '255/10': [2, function (d, b, i) { d.firmware_version = b[i] + '.' + b[i + 1]; }],
  '255/11': [1, function () {}],
  '255/15': [1, function () {}],
  '255/22': [8, function (d, b, i) { d.sn = hex(b.slice(i, i + 8)); }],
  '255/31': [4, function (d, b, i) { d.firmware_version = b.slice(i, i + 4).join('.'); }],
  '255/255': [2, function () {}],
};

function battery(d, b, i) {
  d.battery = b[i];
}

function temperature(d, b, i) {
  d.temperature = int16(b, i) / 10;
}

function humidity(d, b, i) {
  d.humidity = b[i] / 2;
}

function distance(d, b, i) {
  d.distance = uint16(b, i);
}

/** A channel of two states by its name, with the words for 0 and for 1. */
function state(name, zero, one) {
  return [1, function (d, b, i) { d[name] = b[i] === 0 ? zero : one; }];
}

function readChannels(bytes, channels) {
  var data = {};
  for (var at = 0; at < bytes.length; ) {
    var name = bytes[at] + '/' + bytes[at + 1];
    var channel = channels[name] || attributes[name];
    if (!channel) {
      var unknown = 'unknown channel ' + bytes[at] + ' at byte ' + at;
      return at === 0 ? { errors: [unknown] } : { data: data, warnings: [unknown + '; the rest is not read'] };
    }
    if (at + 2 + channel[0] > bytes.length) return { errors: ['the message ends within the value at byte ' + at] };
    channel[1](data, bytes, at + 2);
    at += 2 + channel[0];
  }
  return { data: data };
}

/** States as truth values: by the new name, the state's name and the word that means true. */
function truths(data, names) {
  Object.keys(names).forEach(function (name) {
    var state = names[name];
    if (data[state[0]] !== undefined) data[name] = data[state[0]] === state[1];
  });
  return { data: data };
}

/** `{"report_interval": seconds}` or `{"reboot": true}`, on the port that Milesight's devices listen to. */
function encodeSettings(data) {
  var seconds = data.report_interval;
  if (data.reboot === true) return { fPort: 85, bytes: [0xff, 0x10, 0xff] };
  if (!(seconds >= 60 && seconds <= 65535) || seconds % 1 !== 0) return { errors: ['report_interval must be a whole number of seconds from 60 to 65535'] };
  return { fPort: 85, bytes: [0xff, 0x03, seconds & 0xff, seconds >> 8] };
}

function decodeSettings(bytes) {
  if (bytes[0] === 0xff && bytes[1] === 0x03 && bytes.length === 4) return { data: { report_interval: uint16(bytes, 2) } };
  if (bytes[0] === 0xff && bytes[1] === 0x10) return { data: { reboot: true } };
  return { errors: ['unknown command'] };
}
