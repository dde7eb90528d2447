// uses shared/milesight.js
// Milesight VS121: counts people by camera, pictures never leave it.

var flows = ['a', 'b', 'c', 'd'];

/** How many passed from one of four areas to each. */
function flow(from) {
  return [8, function (d, b, i) { flows.forEach(function (to, index) { d[from + '_to_' + to] = uint16(b, i + 2 * index); }); }];
}

function regions(first) {
  return [8, function (d, b, i) { for (var n = 0; n < 8; n++) d['region_' + (first + n) + '_count'] = b[i + n]; }];
}

var channels = {
  '4/201': [4, function (d, b, i) {
    d.people_count_all = b[i];
    d.region_count = b[i + 1];
    var occupied = (b[i + 2] << 8) | b[i + 3];
    for (var n = 0; n < b[i + 1] && n < 16; n++) d['region_' + (n + 1)] = (occupied >> n) & 1;
  }],
  '5/204': [4, function (d, b, i) {
    d.people_in = uint16(b, i);
    d.people_out = uint16(b, i + 2);
  }],
  '6/205': [1, function (d, b, i) { d.people_count_max = b[i]; }],
  '7/213': regions(1),
  '8/213': regions(9),
  '9/218': flow('a'),
  '10/218': flow('b'),
  '11/218': flow('c'),
  '12/218': flow('d'),
};

function decodeUplink(input) {
  return readChannels(input.bytes, channels);
}
