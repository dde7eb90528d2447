// uses shared/milesight.js
// Milesight EM310-UDL: ultrasonic distance, with a tilt switch.

var channels = {
  '1/117': [1, battery],
  '3/130': [2, distance],
  '4/0': state('tilt', 'normal', 'tilt'),
};

function decodeUplink(input) {
  return readChannels(input.bytes, channels);
}

function normalizeUplink(input) {
  return truths(input.data, { tilted: ['tilt', 'tilt'] });
}
