// uses shared/milesight.js
// Milesight WS202: motion and light.

var channels = {
  '1/117': [1, battery],
  '3/0': state('pir', 'normal', 'trigger'),
  '4/0': state('light', 'dark', 'bright'),
};

function decodeUplink(input) {
  return readChannels(input.bytes, channels);
}

function normalizeUplink(input) {
  return truths(input.data, { motion: ['pir', 'trigger'], bright: ['light', 'bright'] });
}

function encodeDownlink(input) {
  return encodeSettings(input.data);
}

function decodeDownlink(input) {
  return decodeSettings(input.bytes);
}
