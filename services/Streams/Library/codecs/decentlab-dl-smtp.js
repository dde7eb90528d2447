// uses shared/decentlab.js
// Decentlab DL-SMTP: soil moisture and temperature at up to eight depths (Sentek Drill and Drop).

function moisture(depth) {
  return ['soil_moisture_at_depth_' + depth, 'Soil moisture at depth ' + depth, null, function (x) { return (x[2 * depth] - 2500) / 500; }];
}

function temperature(depth) {
  return ['soil_temperature_at_depth_' + depth, 'Soil temperature at depth ' + depth, '°C', function (x) { return signed(x[2 * depth + 1]) / 100; }];
}

var depths = [0, 1, 2, 3, 4, 5, 6, 7];

var groups = [
  { words: 16, values: depths.map(moisture).concat(depths.map(temperature)) },
  { words: 1, values: [['battery_voltage', 'Battery voltage', 'V', function (x) { return x[0] / 1000; }]] },
];

function decodeUplink(input) {
  return readGroups(input.bytes, groups);
}
