// uses shared/milesight.js
// Milesight EM500-CO2: carbon dioxide, temperature, humidity and air pressure.

var channels = {
  '1/117': [1, battery],
  '3/103': [2, temperature],
  '4/104': [1, humidity],
  '5/125': [2, function (d, b, i) { d.co2 = uint16(b, i); }],
  '6/115': [2, function (d, b, i) { d.pressure = uint16(b, i) / 10; }],
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
