// uses shared/decentlab.js
// Decentlab DL-LP8P: outdoor CO2, temperature, humidity and pressure.

var groups = [
  {
    words: 2,
    values: [
      ['air_temperature', 'Air temperature', '°C', function (x) { return (175.72 * x[0]) / 65536 - 46.85; }],
      ['air_humidity', 'Air humidity', '%', function (x) { return (125 * x[1]) / 65536 - 6; }],
    ],
  },
  {
    words: 2,
    values: [
      ['barometer_temperature', 'Barometer temperature', '°C', function (x) { return (x[0] - 5000) / 100; }],
      ['barometric_pressure', 'Barometric pressure', 'Pa', function (x) { return x[1] * 2; }],
    ],
  },
  {
    words: 8,
    values: [
      ['co2_concentration', 'CO2 concentration', 'ppm', function (x) { return signed(x[0]); }],
      ['co2_concentration_lpf', 'CO2 concentration LPF', 'ppm', function (x) { return signed(x[1]); }],
      ['co2_sensor_temperature', 'CO2 sensor temperature', '°C', function (x) { return signed(x[2]) / 100; }],
      ['capacitor_voltage_1', 'Capacitor voltage 1', 'V', function (x) { return x[3] / 1000; }],
      ['capacitor_voltage_2', 'Capacitor voltage 2', 'V', function (x) { return x[4] / 1000; }],
      ['co2_sensor_status', 'CO2 sensor status', null, function (x) { return x[5]; }],
      ['raw_ir_reading', 'Raw IR reading', null, function (x) { return x[6]; }],
      ['raw_ir_reading_lpf', 'Raw IR reading LPF', null, function (x) { return x[7]; }],
    ],
  },
  { words: 1, values: [['battery_voltage', 'Battery voltage', 'V', function (x) { return x[0] / 1000; }]] },
];

function decodeUplink(input) {
  return readGroups(input.bytes, groups);
}
