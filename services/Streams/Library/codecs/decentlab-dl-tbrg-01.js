// uses shared/decentlab.js
// Decentlab DL-TBRG with a tipping bucket of 0.1 mm.

var millimetresPerTip = 0.1;

var groups = [
  {
    words: 4,
    values: [
      ['precipitation', 'Precipitation', 'mm', function (x) { return x[0] * millimetresPerTip; }],
      ['precipitation_interval', 'Precipitation interval', 's', function (x) { return x[1]; }],
      ['cumulative_precipitation', 'Cumulative precipitation', 'mm', function (x) { return (x[2] + x[3] * 65536) * millimetresPerTip; }],
    ],
  },
  { words: 1, values: [['battery_voltage', 'Battery voltage', 'V', function (x) { return x[0] / 1000; }]] },
];

function decodeUplink(input) {
  return readGroups(input.bytes, groups);
}
