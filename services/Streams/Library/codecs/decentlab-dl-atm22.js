// uses shared/decentlab.js
// Decentlab DL-ATM22: ultrasonic wind sensor with temperature.

var groups = [
  {
    words: 8,
    values: [
      ['wind_speed', 'Wind speed', 'm⋅s⁻¹', function (x) { return signed(x[0]) / 100; }],
      ['wind_direction', 'Wind direction', '°', function (x) { return signed(x[1]) / 10; }],
      ['maximum_wind_speed', 'Maximum wind speed', 'm⋅s⁻¹', function (x) { return signed(x[2]) / 100; }],
      ['air_temperature', 'Air temperature', '°C', function (x) { return signed(x[3]) / 10; }],
      ['x_orientation_angle', 'X orientation angle', '°', function (x) { return signed(x[4]) / 10; }],
      ['y_orientation_angle', 'Y orientation angle', '°', function (x) { return signed(x[5]) / 10; }],
      ['north_wind_speed', 'North wind speed', 'm⋅s⁻¹', function (x) { return signed(x[6]) / 100; }],
      ['east_wind_speed', 'East wind speed', 'm⋅s⁻¹', function (x) { return signed(x[7]) / 100; }],
    ],
  },
  { words: 1, values: [['battery_voltage', 'Battery voltage', 'V', function (x) { return x[0] / 1000; }]] },
];

function decodeUplink(input) {
  return readGroups(input.bytes, groups);
}
