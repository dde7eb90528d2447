// uses shared/decentlab.js
// Decentlab DL-TRS12: soil moisture, temperature and conductivity (METER TEROS 12; calibration for mineral soil of its manual).

/** Square of the polynomial of third degree that the sensor's manual gives. */
function permittivity(raw) {
  var root = 2.887e-9 * raw * raw * raw - 2.08e-5 * raw * raw + 5.276e-2 * raw - 43.39;
  return root * root;
}

var groups = [
  {
    words: 3,
    values: [
      ['dielectric_permittivity', 'Dielectric permittivity', null, function (x) { return permittivity(x[0] / 10); }],
      ['volumetric_water_content', 'Volumetric water content', 'm³⋅m⁻³', function (x) { return (x[0] / 10) * 3.879e-4 - 0.6956; }],
      ['soil_temperature', 'Soil temperature', '°C', function (x) { return signed(x[1]) / 10; }],
      ['electrical_conductivity', 'Electrical conductivity', 'µS⋅cm⁻¹', function (x) { return x[2]; }],
    ],
  },
  { words: 1, values: [['battery_voltage', 'Battery voltage', 'V', function (x) { return x[0] / 1000; }]] },
];

function decodeUplink(input) {
  return readGroups(input.bytes, groups);
}
