// uses shared/decentlab.js
// Decentlab DL-LID: laser distance and water level, as statistics over a burst of samples.

var statistics = [
  ['distance_average', 'Distance: average'],
  ['distance_minimum', 'Distance: minimum'],
  ['distance_maximum', 'Distance: maximum'],
  ['distance_median', 'Distance: median'],
  ['distance_10th_percentile', 'Distance: 10th percentile'],
  ['distance_25th_percentile', 'Distance: 25th percentile'],
  ['distance_75th_percentile', 'Distance: 75th percentile'],
  ['distance_90th_percentile', 'Distance: 90th percentile'],
  ['distance_most_frequent_value', 'Distance: most frequent value'],
];

var groups = [
  {
    words: 11,
    values: statistics
      .map(function (statistic, index) { return [statistic[0], statistic[1], 'mm', function (x) { return x[index]; }]; })
      .concat([
        ['number_of_samples', 'Number of samples', null, function (x) { return x[9]; }],
        // counted in ticks of 1/1024 s
        ['total_acquisition_time', 'Total acquisition time', 'ms', function (x) { return (x[10] * 1000) / 1024; }],
      ]),
  },
  { words: 1, values: [['battery_voltage', 'Battery voltage', 'V', function (x) { return x[0] / 1000; }]] },
];

function decodeUplink(input) {
  return readGroups(input.bytes, groups);
}
