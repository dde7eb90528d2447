// uses shared/milesight.js
// Milesight AM307 and AM319: room climate with particulate matter, formaldehyde or ozone.

var channels = {
  '1/117': [1, battery],
  '3/103': [2, temperature],
  '4/104': [1, humidity],
  '5/0': state('pir', 'idle', 'trigger'),
  '6/203': [1, function (d, b, i) { d.light_level = b[i]; }],
  '7/125': [2, function (d, b, i) { d.co2 = uint16(b, i); }],
  '8/125': [2, function (d, b, i) { d.tvoc = uint16(b, i); }],
  '9/115': [2, function (d, b, i) { d.pressure = uint16(b, i) / 10; }],
  '10/125': [2, function (d, b, i) { d.hcho = uint16(b, i) / 100; }],
  '11/125': [2, function (d, b, i) { d.pm2_5 = uint16(b, i); }],
  '12/125': [2, function (d, b, i) { d.pm10 = uint16(b, i); }],
  '13/125': [2, function (d, b, i) { d.o3 = uint16(b, i) / 100; }],
  '14/1': [1, function () {}],
};

function decodeUplink(input) {
  return readChannels(input.bytes, channels);
}

function normalizeUplink(input) {
  return truths(input.data, { motion: ['pir', 'trigger'] });
}

function encodeDownlink(input) {
  return encodeSettings(input.data);
}

function decodeDownlink(input) {
  return decodeSettings(input.bytes);
}
