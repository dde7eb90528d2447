// uses shared/milesight.js
// Milesight EM400-MUD: ultrasonic distance with temperature and tilt switch, for containers and water.

var channels = {
  '1/117': [1, battery],
  '3/103': [2, temperature],
  '4/130': [2, distance],
  '5/0': state('position', 'normal', 'tilt'),
  '131/103': [3, function (d, b, i) {
    temperature(d, b, i);
    d.temperature_alarm = b[i + 2] === 0 ? 'threshold_alarm_release' : 'threshold_alarm';
  }],
  '132/130': [3, function (d, b, i) {
    distance(d, b, i);
    d.distance_alarm = b[i + 2] === 0 ? 'threshold_alarm_release' : 'threshold_alarm';
  }],
};

function decodeUplink(input) {
  return readChannels(input.bytes, channels);
}

function normalizeUplink(input) {
  return truths(input.data, { tilted: ['position', 'tilt'] });
}
