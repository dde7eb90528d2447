// uses shared/milesight.js
// Milesight WS301: magnetic contact of doors and windows.

var channels = {
  '1/117': [1, battery],
  '3/0': state('door', 'close', 'open'),
  '4/0': state('install', 'yes', 'no'),
};

function decodeUplink(input) {
  return readChannels(input.bytes, channels);
}

function normalizeUplink(input) {
  return truths(input.data, { open: ['door', 'open'], removed: ['install', 'no'] });
}

function encodeDownlink(input) {
  return encodeSettings(input.data);
}

function decodeDownlink(input) {
  return decodeSettings(input.bytes);
}
