// uses shared/decentlab.js
// Decentlab DL-WRM: temperature of a road's surface by infrared, with air temperature and humidity, for winter service.

var groups = [
  {
    words: 2,
    values: [
      ['air_temperature', 'Air temperature', '°C', function (x) { return (175 * x[0]) / 65535 - 45; }],
      ['air_humidity', 'Air humidity', '%', function (x) { return (100 * x[1]) / 65535; }],
    ],
  },
  {
    words: 2,
    values: [
      ['surface_temperature', 'Surface temperature', '°C', function (x) { return (x[0] - 1000) / 10; }],
      ['head_temperature', 'Head temperature', '°C', function (x) { return (x[1] - 1000) / 10; }],
    ],
  },
  { words: 1, values: [['battery_voltage', 'Battery voltage', 'V', function (x) { return x[0] / 1000; }]] },
];

function decodeUplink(input) {
  return readGroups(input.bytes, groups);
}
