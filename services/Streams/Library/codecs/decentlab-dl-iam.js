// uses shared/decentlab.js
// Decentlab DL-IAM: indoor ambiance with CO2, volatile organic compounds, light and motion.

var groups = [
  { words: 1, values: [['battery_voltage', 'Battery voltage', 'V', function (x) { return x[0] / 1000; }]] },
  {
    words: 2,
    values: [
      ['air_temperature', 'Air temperature', '°C', function (x) { return (175 * x[0]) / 65535 - 45; }],
      ['air_humidity', 'Air humidity', '%', function (x) { return (100 * x[1]) / 65535; }],
    ],
  },
  { words: 1, values: [['barometric_pressure', 'Barometric pressure', 'Pa', function (x) { return x[0] * 2; }]] },
  {
    words: 2,
    values: [
      ['ambient_light_visible_infrared', 'Ambient light (visible + infrared)', null, function (x) { return x[0]; }],
      ['ambient_light_infrared', 'Ambient light (infrared)', null, function (x) { return x[1]; }],
      ['illuminance', 'Illuminance', 'lx', illuminance],
    ],
  },
  {
    words: 3,
    values: [
      ['co2_concentration', 'CO2 concentration', 'ppm', function (x) { return signed(x[0]); }],
      ['co2_sensor_status', 'CO2 sensor status', null, function (x) { return x[1]; }],
      ['raw_ir_reading', 'Raw IR reading', null, function (x) { return x[2]; }],
    ],
  },
  { words: 1, values: [['activity_counter', 'Activity counter', null, function (x) { return x[0]; }]] },
  { words: 1, values: [['total_voc', 'Total VOC', 'ppb', function (x) { return x[0]; }]] },
];

/** The light sensor's data sheet: of two straight lines the higher, for light with more and with less infrared. */
function illuminance(x) {
  return 1.5504 * Math.max(x[0] - 1.64 * x[1], 0.59 * x[0] - 0.86 * x[1], 0);
}

function decodeUplink(input) {
  return readGroups(input.bytes, groups, true);
}
