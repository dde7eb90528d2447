// EMU Professional II 3/100 LoRaWAN: electricity meter. Little-endian: timestamp (4 bytes), entries of an index byte and a value, CRC-8.

function reader(size, negative) {
  return function (bytes, at) {
    var value = 0;
    for (var i = size - 1; i >= 0; i--) value = value * 256 + bytes[at + i];
    return negative && value >= Math.pow(2, 8 * size - 1) ? value - Math.pow(2, 8 * size) : value;
  };
}

var kinds = {
  u8: [1, reader(1)],
  i8: [1, reader(1, true)],
  u16: [2, reader(2)],
  i16: [2, reader(2, true)],
  u32: [4, reader(4)],
  i32: [4, reader(4, true)],
  u64: [8, reader(8)],
  text: [4, function (bytes, at) { return String.fromCharCode.apply(null, bytes.slice(at, at + 4).filter(Boolean)); }],
  digits: [4, function (bytes, at) { return bytes.slice(at, at + 4).join(''); }],
  serial: [4, function (bytes, at) {
    return bytes.slice(at, at + 4).reverse().map(function (byte) { return ('0' + byte.toString(16)).slice(-2); }).join('');
  }],
};

var entries = {};

function entry(index, name, kind, unit, decimals) {
  entries[index] = { name: name, kind: kinds[kind], unit: unit, decimals: decimals };
}

entry(0x00, 'data-logger-index', 'u32');
entry(0x01, 'timestamp', 'u32', 'seconds');
entry(0x02, 'timestamp-previous', 'u32', 'seconds');
// Energy: in Wh, in kWh, and in Wh with 64 bits; real and reactive, import and export, two tariffs each.
[[0x03, '', 'u32', ''], [0x1c, 'k', 'u32', ' '], [0x24, '', 'u64', ' 64bit']].forEach(function (series) {
  var index = series[0];
  [['Active', 'Wh'], ['Reactive', 'varh']].forEach(function (sort) {
    ['Import', 'Export'].forEach(function (direction) {
      ['T1', 'T2'].forEach(function (tariff) {
        var unit = series[1] + sort[1];
        entry(index++, sort[0] + ' Energy ' + direction + ' ' + tariff + (series[3] === ' ' ? ' ' + unit : series[3]), series[2], unit);
      });
    });
  });
});
['L123', 'L1', 'L2', 'L3'].forEach(function (phase, i) { entry(0x0b + i, 'Active Power ' + phase, 'i32', 'W'); });
['L123', 'L1', 'L2', 'L3', 'N'].forEach(function (phase, i) { entry(0x0f + i, 'Current ' + phase, 'i32', 'mA'); });
['L1', 'L2', 'L3'].forEach(function (phase, i) {
  entry(0x14 + i, 'Voltage ' + phase + '-N', 'i32', 'V/10', 1);
  entry(0x17 + i, 'Powerfactor ' + phase, 'i8', 'Cos', 2);
});
entry(0x1a, 'Frequency', 'i16', 'Hz', 1);
entry(0x1b, 'Active Power average', 'i32', 'W');
entry(0xf0, 'errorcode', 'u8');
entry(0xf1, 'serial-number', 'serial');
entry(0xf2, 'factor-number', 'serial');
entry(0xf3, 'current-transformer primary', 'u16');
entry(0xf4, 'current-transformer secondary', 'u16');
entry(0xf5, 'voltage-transformer primary', 'u16');
entry(0xf6, 'voltage-transformer secondary', 'u16');
entry(0xf7, 'meter-typ', 'u8');
entry(0xf8, 'MID year', 'digits');
entry(0xf9, 'factory year', 'digits');
entry(0xfa, 'firmware version', 'text');
entry(0xfb, 'mid-Version', 'text');
entry(0xfc, 'manufacturer', 'text');
entry(0xfd, 'hw-index', 'text');
entry(0xfe, 'systemtime', 'u32');

/** CRC-8, polynomial x⁸ + x² + x + 1. */
function crc8(bytes) {
  return bytes.reduce(function (crc, byte) {
    crc ^= byte;
    for (var bit = 0; bit < 8; bit++) crc = crc & 0x80 ? ((crc << 1) ^ 0x07) & 0xff : crc << 1;
    return crc;
  }, 0);
}

function decodeUplink(input) {
  var bytes = input.bytes;
  if (bytes.length <= 2) return { data: {} }; // a sign of life
  if (bytes.length < 5) return { errors: ['the message ends within its timestamp'] };

  var data = {};
  var end = bytes.length - 1;
  for (var at = 4; at < end; ) {
    var found = entries[bytes[at]];
    if (!found) return { errors: ['unknown entry ' + bytes[at] + ' at byte ' + at] };
    if (at + found.kind[0] >= end) return { errors: ['the message ends within the entry at byte ' + at] };
    var value = found.kind[1](bytes, at + 1);
    var reading = {};
    if (found.unit) reading.unit = found.unit;
    if (found.decimals) {
      reading.value_raw = value;
      value = Number((value / Math.pow(10, found.decimals)).toFixed(found.decimals));
    }
    reading.value = value;
    data[found.name] = reading;
    at += 1 + found.kind[0];
  }
  data.timeStamp = kinds.u32[1](bytes, 0);
  data.medium = { type: 1, desc: 'Electricity' };
  return { data: data, warnings: crc8(bytes.slice(0, end)) === bytes[end] ? [] : ['crc-8 wrong'] };
}

/** Readings under plain names: `Active Energy Import T1` becomes `active_energy_import_t1`; energy always in Wh and varh. */
function normalizeUplink(input) {
  var data = {};
  Object.keys(input.data).forEach(function (name) {
    var reading = input.data[name];
    if (reading === null || typeof reading !== 'object' || typeof reading.value !== 'number') return;
    var plain = name.replace(/ (k?varh|k?Wh|64bit)$/, '').toLowerCase().replace(/[^a-z0-9]+/g, '_');
    data[plain] = /^k/.test(reading.unit || '') ? reading.value * 1000 : reading.value;
  });
  return { data: data };
}
