// ESP32-Paxcounter (cyberman54), payload format "packed": counts of WiFi and Bluetooth devices nearby, little-endian.
// Each message is a sequence of fields without separators; which ones, its port and length tell.

function unsigned(size) {
  return function (bytes, at) {
    var value = 0;
    for (var i = size - 1; i >= 0; i--) value = value * 256 + bytes[at + i];
    return value;
  };
}

function signed(size) {
  var read = unsigned(size);
  var half = Math.pow(2, 8 * size - 1);
  return function (bytes, at) {
    var value = read(bytes, at);
    return value >= half ? value - 2 * half : value;
  };
}

function flags(names) {
  return function (bytes, at) {
    var set = {};
    names.forEach(function (name, index) { set[name] = (bytes[at] >> (7 - index)) & 1; });
    return set;
  };
}

var u8 = [1, unsigned(1)];
var u16 = [2, unsigned(2)];
var u32 = [4, unsigned(4)];
var i16 = [2, signed(2)];
var degrees = [4, function (bytes, at) { return signed(4)(bytes, at) / 1e6; }];
var hundredths = [2, function (bytes, at) { return unsigned(2)(bytes, at) / 100; }];
var tenths = [2, function (bytes, at) { return unsigned(2)(bytes, at) / 10; }];
// The one number that comes with its high byte first.
var celsius = [2, function (bytes, at) { return ((bytes[at] << 24 >> 16) | bytes[at + 1]) / 100; }];
// 64 bits, of which one half is in use: the lower or, in the examples of the project, the upper.
var uptime = [8, function (bytes, at) { return unsigned(4)(bytes, at) || unsigned(4)(bytes, at + 4); }];
var switches = [1, flags(['adr', 'screensaver', 'screen', 'countermode', 'blescan', 'antenna', 'reserved', 'reserved'])];
var parts = [1, flags(['battery', 'sensor3', 'sensor2', 'sensor1', 'gps', 'bme', 'reserved', 'counter'])];
var version = [10, function (bytes, at) { return String.fromCharCode.apply(null, bytes.slice(at, at + 10)).split('\0')[0]; }];

var position = { latitude: degrees, longitude: degrees };
var fix = { latitude: degrees, longitude: degrees, sats: u8, hdop: hundredths, altitude: i16 };
var radio = { loradr: u8, txpower: u8, rssilimit: i16, sendcycle: u8, wifichancycle: u8, blescantime: u8 };
var rest = { flags: switches, payloadmask: parts, version: version };

/** The fields of one after those of the other, in order. */
function then(first, second) {
  return Object.assign({}, first, second);
}

var layouts = [
  [1, { wifi: u16 }],
  [1, { wifi: u16, ble: u16 }],
  [1, { wifi: u16, ble: u16, PM10: u16, PM25: u16 }],
  [1, then(position, { wifi: u16 })],
  [1, then(position, { wifi: u16, ble: u16 })],
  [1, then({ wifi: u16 }, fix)],
  [1, then({ wifi: u16, ble: u16 }, fix)],
  [2, { voltage: u16, uptime: uptime, cputemp: u8, memory: u32, reset0: u8, restarts: u32 }],
  [3, then(then(radio, { rgblum: u8 }), rest)],
  [3, then(then(radio, { sleepcycle: u16 }), rest)],
  [4, position],
  [4, fix],
  [5, { button: u8 }],
  [7, { temperature: celsius, pressure: tenths, humidity: hundredths, air: hundredths }],
  [8, { voltage: u16 }],
  [9, { timesync_seqno: u8 }],
  [9, { time: u32, timestatus: u8 }],
  [10, { ens: u16 }],
];

function lengthOf(layout) {
  return Object.keys(layout).reduce(function (length, name) { return length + layout[name][0]; }, 0);
}

function decodeUplink(input) {
  var bytes = input.bytes;
  var found = layouts.filter(function (layout) { return layout[0] === input.fPort && lengthOf(layout[1]) === bytes.length; })[0];
  if (!found) return { errors: ['no message of port ' + input.fPort + ' has ' + bytes.length + ' bytes'] };
  var data = { bytes: bytes, port: input.fPort };
  var at = 0;
  Object.keys(found[1]).forEach(function (name) {
    data[name] = found[1][name][1](bytes, at);
    at += found[1][name][0];
  });
  if (input.fPort === 1) data.pax = data.wifi + (data.ble || 0);
  return { data: data };
}
