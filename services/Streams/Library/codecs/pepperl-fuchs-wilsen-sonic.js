// Pepperl+Fuchs WILSEN.sonic: ultrasonic level of containers, with position. Parts: a length, a type of two bytes, a value; big-endian.

function view(bytes) {
  return new DataView(new Uint8Array(bytes).buffer);
}

/** By type: how many bytes the value has, and what it puts into `data`. */
var parts = {
  '0b01': [2, function (d, v) { d.proxx = v.getUint16(0); }],
  '0b02': [2, function (d, v) { d.proxx_mm = v.getUint16(0); }],
  '0b06': [1, function (d, v) { d.fillinglvl = v.getUint8(0); }],
  '0201': [4, function (d, v) { d.temp = Number(v.getFloat32(0).toFixed(1)); }],
  '5101': [1, function (d, v) { d.battery_vol = v.getUint8(0) / 10; }],
  '5001': [4, function (d, v) { d.latitude = v.getInt32(0) / 1e6; }],
  '5002': [4, function (d, v) { d.longitude = v.getInt32(0) / 1e6; }],
  '3101': [2, function (d, v) { d.lora_count = v.getUint16(0); }],
  '3102': [2, function (d, v) { d.gps_count = v.getUint16(0); }],
  '3103': [4, function (d, v) { d.us_sensor_count = v.getUint32(0); }],
  '2a25': [14, function (d, v) {
    d.serial_nr = '';
    for (var i = 0; i < 14; i++) d.serial_nr += String.fromCharCode(v.getUint8(i));
  }],
};

function hex(bytes) {
  return bytes.map(function (byte) { return ('0' + byte.toString(16)).slice(-2); }).join('');
}

function decodeUplink(input) {
  var bytes = input.bytes;
  var data = { payload: hex(bytes).toUpperCase() };
  var warnings = [];
  for (var at = 0; at < bytes.length; at += 1 + bytes[at]) {
    if (bytes[at] < 3 || at + bytes[at] >= bytes.length) return { errors: ['the message ends within the part at byte ' + at] };
    var type = hex(bytes.slice(at + 1, at + 3));
    var value = bytes.slice(at + 3, at + 1 + bytes[at]);
    if (parts[type] && parts[type][0] === value.length) parts[type][1](data, view(value));
    else warnings.push('a part of type ' + type + ' is not read');
  }
  return { data: data, warnings: warnings, errors: [] };
}

/** The distance in millimetres, also where the device sends centimetres. */
function normalizeUplink(input) {
  var from = input.data;
  var data = {};
  if (from.proxx !== undefined) data.distance = from.proxx * 10;
  if (from.proxx_mm !== undefined) data.distance = from.proxx_mm;
  return { data: data };
}
