// uses shared/decentlab.js
// Decentlab DL-MBX: ultrasonic distance (MaxBotix), for water and snow.

var groups = [
  {
    words: 2,
    values: [
      ['distance', 'Distance', 'mm', function (x) { return x[0]; }],
      ['number_of_valid_samples', 'Number of valid samples', null, function (x) { return x[1]; }],
    ],
  },
  { words: 1, values: [['battery_voltage', 'Battery voltage', 'V', function (x) { return x[0] / 1000; }]] },
];

function decodeUplink(input) {
  return readGroups(input.bytes, groups, true);
}
