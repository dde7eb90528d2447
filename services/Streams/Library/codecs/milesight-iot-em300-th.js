// uses shared/milesight.js
// Milesight EM300-TH and EM320-TH: temperature and humidity.

var channels = {
  '1/117': [1, battery],
  '3/103': [2, temperature],
  '4/104': [1, humidity],
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
