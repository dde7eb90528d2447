// uses shared/decentlab.js
// Decentlab DL-CTD10: pressure probe for water level, temperature and conductivity (METER CTD-10).

var groups = [
  {
    words: 4,
    values: [
      ['water_depth', 'Water depth', 'mm', function (x) { return signed(x[0]); }],
      ['temperature', 'Temperature', '°C', function (x) { return signed(x[1]) / 10; }],
      ['electrical_conductivity', 'Electrical conductivity', 'µS⋅cm⁻¹', function (x) { return x[2]; }],
      ['freezing_flag', 'Freezing flag', null, function (x) { return x[3]; }],
    ],
  },
  { words: 1, values: [['battery_voltage', 'Battery voltage', 'V', function (x) { return x[0] / 1000; }]] },
];

function decodeUplink(input) {
  return readGroups(input.bytes, groups);
}
