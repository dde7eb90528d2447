// uses shared/milesight.js
// Milesight EM500-SWL: submersible level probe.

var channels = {
  '1/117': [1, battery],
  '3/119': [2, function (d, b, i) { d.level = uint16(b, i); }],
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
