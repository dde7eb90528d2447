// uses shared/milesight.js
// Milesight EM500-SMTC: soil moisture, temperature and conductivity.

var channels = {
  '1/117': [1, battery],
  '3/103': [2, temperature],
  '4/104': [1, function (d, b, i) { d.moisture = b[i] / 2; }],
  '4/202': [2, function (d, b, i) { d.moisture = uint16(b, i) / 100; }],
  '5/127': [2, function (d, b, i) { d.ec = uint16(b, i); }],
};

function decodeUplink(input) {
  return readChannels(input.bytes, channels);
}

function encodeDownlink(input) {
  return encodeSettings(input.data);
}

function decodeDownlink(input) {
  return decodeSettings(input.bytes);
}
