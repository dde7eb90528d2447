// uses shared/decentlab.js
// Decentlab DL-PR26 with a transmitter of 0 to 1 bar: pressure (water level) and temperature in wells, tanks and rivers.

var lowest = 0;
var highest = 1;

var groups = [
  {
    words: 2,
    values: [
      ['pressure', 'Pressure', 'bar', function (x) { return ((x[0] - 16384) / 32768) * (highest - lowest) + lowest; }],
      ['temperature', 'Temperature', '°C', function (x) { return (x[1] - 384) * 0.003125 - 50; }],
    ],
  },
  { words: 1, values: [['battery_voltage', 'Battery voltage', 'V', function (x) { return x[0] / 1000; }]] },
];

function decodeUplink(input) {
  return readGroups(input.bytes, groups);
}
