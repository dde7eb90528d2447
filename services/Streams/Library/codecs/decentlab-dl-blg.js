// uses shared/decentlab.js
// Decentlab DL-BLG: black globe, for the heat that people feel in the sun.

/** The thermistor's share of the supply: 24 bits around the middle, the low word first. */
function ratio(x) {
  return ((x[0] + x[1] * 65536) / 8388608 - 1) / 2;
}

function resistance(x) {
  return 1000 / ratio(x) - 41000;
}

/** Steinhart and Hart's equation with the thermistor's constants, in °C. */
function temperature(x) {
  var log = Math.log(resistance(x));
  return 1 / (0.0008271111 + 0.000208802 * log + 0.000000080592 * log * log * log) - 273.15;
}

var groups = [
  {
    words: 2,
    values: [
      ['voltage_ratio', 'Voltage ratio', null, ratio],
      ['thermistor_resistance', 'Thermistor resistance', 'Ω', resistance],
      ['temperature', 'Temperature', '°C', temperature],
    ],
  },
  { words: 1, values: [['battery_voltage', 'Battery voltage', 'V', function (x) { return x[0] / 1000; }]] },
];

function decodeUplink(input) {
  return readGroups(input.bytes, groups);
}
