// uses shared/decentlab.js
// Decentlab DL-PM: particulate matter with temperature, humidity and pressure.

var sizes = [['pm0_5', 'PM0.5'], ['pm1_0', 'PM1.0'], ['pm2_5', 'PM2.5'], ['pm4', 'PM4'], ['pm10', 'PM10']];

function tenth(index) {
  return function (x) { return x[index] / 10; };
}

var groups = [
  { words: 1, values: [['battery_voltage', 'Battery voltage', 'V', function (x) { return x[0] / 1000; }]] },
  {
    words: 10,
    values: sizes
      .slice(1)
      .map(function (size, index) { return [size[0] + '_mass_concentration', size[1] + ' mass concentration', 'µg⋅m⁻³', tenth(index)]; })
      .concat([['typical_particle_size', 'Typical particle size', 'nm', function (x) { return x[4]; }]])
      .concat(sizes.map(function (size, index) { return [size[0] + '_number_concentration', size[1] + ' number concentration', null, tenth(5 + index)]; })),
  },
  {
    words: 2,
    values: [
      ['air_temperature', 'Air temperature', '°C', function (x) { return (175.72 * x[0]) / 65536 - 46.85; }],
      ['air_humidity', 'Air humidity', '%', function (x) { return (125 * x[1]) / 65536 - 6; }],
    ],
  },
  { words: 1, values: [['barometric_pressure', 'Barometric pressure', 'Pa', function (x) { return x[0] * 2; }]] },
];

function decodeUplink(input) {
  return readGroups(input.bytes, groups);
}
