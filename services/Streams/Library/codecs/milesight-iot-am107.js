// uses shared/milesight.js
// Milesight AM104 and AM107: room climate.

var channels = {
  '1/117': [1, battery],
  '3/103': [2, temperature],
  '4/104': [1, humidity],
  '5/106': [2, function (d, b, i) { d.activity = uint16(b, i); }],
  '6/101': [6, function (d, b, i) {
    d.illumination = uint16(b, i);
    d.infrared_and_visible = uint16(b, i + 2);
    d.infrared = uint16(b, i + 4);
  }],
  '7/125': [2, function (d, b, i) { d.co2 = uint16(b, i); }],
  '8/125': [2, function (d, b, i) { d.tvoc = uint16(b, i); }],
  '9/115': [2, function (d, b, i) { d.pressure = uint16(b, i) / 10; }],
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
