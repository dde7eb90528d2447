// uses shared/decentlab.js
// Decentlab DL-ATM41: weather station (radiation, precipitation, lightning, wind, temperature, humidity, pressure).

var groups = [
  {
    words: 17,
    values: [
      ['solar_radiation', 'Solar radiation', 'W⋅m⁻²', function (x) { return signed(x[0]); }],
      ['precipitation', 'Precipitation', 'mm', function (x) { return signed(x[1]) / 1000; }],
      ['lightning_strike_count', 'Lightning strike count', null, function (x) { return signed(x[2]); }],
      ['lightning_average_distance', 'Lightning average distance', 'km', function (x) { return signed(x[3]); }],
      ['wind_speed', 'Wind speed', 'm⋅s⁻¹', function (x) { return signed(x[4]) / 100; }],
      ['wind_direction', 'Wind direction', '°', function (x) { return signed(x[5]) / 10; }],
      ['maximum_wind_speed', 'Maximum wind speed', 'm⋅s⁻¹', function (x) { return signed(x[6]) / 100; }],
      ['air_temperature', 'Air temperature', '°C', function (x) { return signed(x[7]) / 10; }],
      ['vapor_pressure', 'Vapor pressure', 'kPa', function (x) { return signed(x[8]) / 100; }],
      ['atmospheric_pressure', 'Atmospheric pressure', 'kPa', function (x) { return signed(x[9]) / 100; }],
      ['relative_humidity', 'Relative humidity', '%', function (x) { return signed(x[10]) / 10; }],
      ['sensor_temperature_internal', 'Sensor temperature (internal)', '°C', function (x) { return signed(x[11]) / 10; }],
      ['x_orientation_angle', 'X orientation angle', '°', function (x) { return signed(x[12]) / 10; }],
      ['y_orientation_angle', 'Y orientation angle', '°', function (x) { return signed(x[13]) / 10; }],
      ['compass_heading', 'Compass heading', '°', function (x) { return signed(x[14]); }],
      ['north_wind_speed', 'North wind speed', 'm⋅s⁻¹', function (x) { return signed(x[15]) / 100; }],
      ['east_wind_speed', 'East wind speed', 'm⋅s⁻¹', function (x) { return signed(x[16]) / 100; }],
    ],
  },
  { words: 1, values: [['battery_voltage', 'Battery voltage', 'V', function (x) { return x[0] / 1000; }]] },
];

function decodeUplink(input) {
  return readGroups(input.bytes, groups);
}
