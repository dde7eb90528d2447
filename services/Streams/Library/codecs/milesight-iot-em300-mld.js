// uses shared/milesight.js
// Milesight EM300-SLD, EM300-ZLD and EM300-MLD: water on a spot, along a cable or on a membrane.

var channels = {
  '1/117': [1, battery],
  '3/103': [2, temperature],
  '4/104': [1, humidity],
  '5/0': state('leakage_status', 'normal', 'leak'),
};

function decodeUplink(input) {
  return readChannels(input.bytes, channels);
}

function normalizeUplink(input) {
  return truths(input.data, { leak: ['leakage_status', 'leak'] });
}

function encodeDownlink(input) {
  return encodeSettings(input.data);
}

function decodeDownlink(input) {
  return decodeSettings(input.bytes);
}
