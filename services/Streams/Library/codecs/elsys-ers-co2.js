// Elsys ERS CO2, and all devices that speak Elsys' type-value format: one byte says what follows. Big-endian.

function int16(bytes, at) {
  return ((bytes[at] << 24) >> 16) | bytes[at + 1];
}

function uint16(bytes, at) {
  return (bytes[at] << 8) | bytes[at + 1];
}

function uint32(bytes, at) {
  return ((uint16(bytes, at) << 16) | uint16(bytes, at + 2)) >>> 0;
}

function int8(bytes, at) {
  return (bytes[at] << 24) >> 24;
}

function int24(bytes, at) {
  return ((bytes[at] << 24) >> 8) | uint16(bytes, at + 1);
}

/** By type: how many bytes follow, and what they put into `data`. */
var types = {
  0x01: [2, function (d, b, i) { d.temperature = int16(b, i) / 10; }],
  0x02: [1, function (d, b, i) { d.humidity = b[i]; }],
  0x03: [3, function (d, b, i) { d.x = int8(b, i); d.y = int8(b, i + 1); d.z = int8(b, i + 2); }],
  0x04: [2, function (d, b, i) { d.light = uint16(b, i); }],
  0x05: [1, function (d, b, i) { d.motion = b[i]; }],
  0x06: [2, function (d, b, i) { d.co2 = uint16(b, i); }],
  0x07: [2, function (d, b, i) { d.vdd = uint16(b, i); }],
  0x08: [2, function (d, b, i) { d.analog1 = uint16(b, i); }],
  0x09: [6, function (d, b, i) { d.lat = int24(b, i) / 10000; d.long = int24(b, i + 3) / 10000; }],
  0x0a: [2, function (d, b, i) { d.pulse1 = uint16(b, i); }],
  0x0b: [4, function (d, b, i) { d.pulseAbs = uint32(b, i); }],
  0x0c: [2, function (d, b, i) { d.externalTemperature = int16(b, i) / 10; }],
  0x0d: [1, function (d, b, i) { d.digital = b[i]; }],
  0x0e: [2, function (d, b, i) { d.distance = uint16(b, i); }],
  0x0f: [1, function (d, b, i) { d.accMotion = b[i]; }],
  0x10: [4, function (d, b, i) { d.irInternalTemperature = int16(b, i) / 10; d.irExternalTemperature = int16(b, i + 2) / 10; }],
  0x11: [1, function (d, b, i) { d.occupancy = b[i]; }],
  0x12: [1, function (d, b, i) { d.waterleak = b[i]; }],
  0x13: [65, function (d, b, i) {
    var reference = b[i];
    d.grideye = b.slice(i + 1, i + 65).map(function (pixel) { return reference + pixel / 10; });
  }],
  0x14: [4, function (d, b, i) { d.pressure = uint32(b, i) / 1000; }],
  0x15: [2, function (d, b, i) { d.soundPeak = b[i]; d.soundAvg = b[i + 1]; }],
  0x16: [2, function (d, b, i) { d.pulse2 = uint16(b, i); }],
  0x17: [4, function (d, b, i) { d.pulseAbs2 = uint32(b, i); }],
  0x18: [2, function (d, b, i) { d.analog2 = uint16(b, i); }],
  0x19: [2, function (d, b, i) { d.externalTemperature2 = int16(b, i) / 10; }],
  0x1a: [1, function (d, b, i) { d.digital2 = b[i]; }],
  0x1b: [4, function (d, b, i) { d.analogUv = uint32(b, i) | 0; }],
  0x1c: [2, function (d, b, i) { d.tvoc = uint16(b, i); }],
};

function decodeUplink(input) {
  var bytes = input.bytes;
  var data = {};
  for (var at = 0; at < bytes.length; ) {
    var type = types[bytes[at]];
    if (!type) return { data: data, warnings: ['unknown type ' + bytes[at] + ' at byte ' + at + '; the rest is not read'] };
    if (at + type[0] >= bytes.length) return { errors: ['the message ends within the value at byte ' + at] };
    type[1](data, bytes, at + 1);
    at += 1 + type[0];
  }
  return { data: data };
}
