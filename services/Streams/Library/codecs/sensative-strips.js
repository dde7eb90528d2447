// Sensative Strips: door, water, climate or presence, by what the strip is made for. A running number, then reports: a type, its value. Big-endian.

function int16(bytes, at) {
  return ((bytes[at] << 24) >> 16) | bytes[at + 1];
}

function uint16(bytes, at) {
  return (bytes[at] << 8) | bytes[at + 1];
}

function number(name, length, read) {
  return [length, function (d, b, i) { d[name] = { value: read(b, i) }; }];
}

function truth(name) {
  return number(name, 1, function (b, i) { return b[i] !== 0; });
}

function limits(name) {
  return [1, function (d, b, i) { d[name] = { highAlarm: (b[i] & 1) !== 0, lowAlarm: (b[i] & 2) !== 0 }; }];
}

function tenth(b, i) {
  return int16(b, i) / 10;
}

function byte(b, i) {
  return b[i];
}

/** By type: how many bytes follow, and what they put into `data`. */
var reports = {
  0: [0, function (d) { d.emptyFrame = {}; }],
  1: [1, function (d, b, i) { d.battery = b[i]; }],
  2: number('temperature', 2, tenth),
  3: limits('tempAlarm'),
  4: number('averageTemperature', 2, tenth),
  5: limits('avgTempAlarm'),
  6: number('humidity', 1, function (b, i) { return b[i] / 2; }),
  7: number('lux', 2, uint16),
  8: number('lux2', 2, uint16),
  9: truth('door'),
  10: truth('doorAlarm'),
  11: truth('tamperReport'),
  12: truth('tamperAlarm'),
  13: number('flood', 1, byte),
  14: truth('floodAlarm'),
  15: number('oilAlarm', 1, byte),
  16: truth('userSwitch1Alarm'),
  17: number('doorCount', 2, uint16),
  18: truth('presence'),
  19: number('IRproximity', 2, uint16),
  20: number('IRcloseproximity', 2, uint16),
  21: truth('closeProximityAlarm'),
  80: [3, function (d, b, i) { d.humidity = { value: b[i] / 2 }; d.temperature = { value: tenth(b, i + 1) }; }],
  81: [3, function (d, b, i) { d.humidity = { value: b[i] / 2 }; d.averageTemperature = { value: tenth(b, i + 1) }; }],
  82: [3, function (d, b, i) { d.door = { value: b[i] !== 0 }; d.temperature = { value: tenth(b, i + 1) }; }],
  110: [8, function () {}],
  112: number('capacitanceFlood', 2, uint16),
  113: number('capacitancePad', 2, uint16),
  114: number('capacitanceEnd', 2, uint16),
};

function decodeUplink(input) {
  var bytes = input.bytes;
  if (input.fPort !== 1) return { errors: ['unknown port ' + input.fPort] };
  if (bytes.length < 2) return { errors: ['a message has at least 2 bytes'] };
  var data = { historySeqNr: uint16(bytes, 0), prevHistSeqNr: uint16(bytes, 0) };
  for (var at = 2; at < bytes.length; ) {
    var type = bytes[at] & 0x7f;
    var report = reports[type];
    if (!report) return { data: data, warnings: ['unknown type ' + type + ' at byte ' + at + '; the rest is not read'] };
    if (at + report[0] >= bytes.length) return { errors: ['the message ends within the value at byte ' + at] };
    if (bytes[at] & 0x80) data.prevHistSeqNr--;
    report[1](data, bytes, at + 1);
    at += 1 + report[0];
  }
  return { data: data };
}

/** Each value under its own name. The strip says false for a door that is open. */
function normalizeUplink(input) {
  var data = {};
  Object.keys(input.data).forEach(function (name) {
    var entry = input.data[name];
    if (typeof entry === 'number') data[name] = entry;
    else if (entry.value !== undefined) data[name] = entry.value;
  });
  if (data.door !== undefined) data.door_open = !data.door;
  return { data: data };
}
