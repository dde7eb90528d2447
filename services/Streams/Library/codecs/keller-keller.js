// Keller ADT1 and ARC1: water level and pressure of one or more probes. Big-endian.
// Protocol: docs.pressuresuite.com, "KELLER LoRa payload".

var one = ['P1', 'P2', 'T', 'TOB1', 'TOB2'];
var air = ['PBaro', 'TBaro'];
var volts = ['Volt Inp. 1', 'Volt Inp. 2'];
var more = ['P1 (2)', 'P1 (3)', 'P1 (4)', 'P1 (5)'];
var conductive = ['P1', 'P2', 'T (Conductivity)', 'TOB1', 'TOB2'].concat(air, volts, ['Conductivity Tc', 'Conductivity raw']);

function numbered(name, count) {
  var names = [];
  for (var i = 1; i <= count; i++) names.push(name + i);
  return names;
}

/** What the channels of a connection type measure, from channel 1 on. */
var connections = {
  0: ['Pd (P1-P2)'].concat(one),
  1: ['Pd (P1-P2)'].concat(one),
  2: ['Pd (P1-PBaro)'].concat(one, air),
  3: ['Pd (P1-PBaro)'].concat(one, air),
  4: ['Pd (P1-P2)'].concat(one, air, volts),
  5: ['Pd (P1-PBaro)'].concat(one, air, volts),
  6: ['Pd (P1-P2)'].concat(one, air, volts, more, ['Counter input']),
  7: air.concat(volts, numbered('SDI12 CH', 10)),
  8: ['P1', 'TOB1', 'P1 (2)', 'TOB1 (2)', 'P1 (3)', 'TOB1 (3)', 'P1 (4)', 'TOB1 (4)', 'P1 (5)', 'TOB1 (5)'].concat(volts, air, ['Counter input']),
  9: ['Pd (P1-P2)'].concat(conductive),
  10: ['Pd (P1-PBaro)'].concat(conductive),
  11: ['P1', 'TOB1', 'Conductivity Tc', 'T (Conductivity)', 'P1 (2)', 'TOB1 (2)', 'Conductivity Tc (2)', 'T (Conductivity) (2)',
    'P1 (3)', 'TOB1 (3)', 'Conductivity Tc (3)', 'T (Conductivity) (3)'].concat(air, ['Counter input']),
  13: ['P1', 'P2', 'TOB1', 'TOB2', 'P1 (2)', 'P2 (2)', 'TOB1 (2)', 'TOB2 (2)'].concat(air, volts, ['Counter input']),
};

function view(bytes) {
  return new DataView(new Uint8Array(bytes).buffer);
}

function two(number) {
  return ('0' + number).slice(-2);
}

function measurements(bytes, data) {
  var message = view(bytes);
  var active = message.getUint16(2);
  var names = connections[bytes[1]];
  data.ct = bytes[1];
  data.channel = ('000000000000000' + active.toString(2)).slice(-16);
  data.channelCount = 0;
  for (var channel = 0; channel < 16; channel++) {
    if (!((active >> channel) & 1)) continue;
    var at = 4 + 4 * data.channelCount++;
    if (!names || !names[channel]) return ['connection type ' + bytes[1] + ' has no channel ' + (channel + 1)];
    if (at + 4 > bytes.length) return ['the message ends within channel ' + (channel + 1)];
    data[names[channel]] = message.getFloat32(at);
  }
  return [];
}

function information(bytes, data) {
  var message = view(bytes);
  var since2000 = message.getUint32(10);
  data.class_group_text = two(bytes[2]) + '.' + two(bytes[3]);
  data.sw_version_text = two(bytes[4]) + '.' + two(bytes[5]);
  data.serial_number = message.getUint32(6);
  data.device_local_datetime = new Date(Date.UTC(2000, 0, 1) + since2000 * 1000).toISOString().slice(0, 19).replace('T', ' ');
  data.battery_voltage = message.getFloat32(14);
  data.battery_capacity_percentage = bytes[18];
  data.humidity_percentage = bytes[19];
}

function decodeUplink(input) {
  var bytes = input.bytes;
  var data = {
    port: input.fPort,
    payload: bytes.map(function (byte) { return two(byte.toString(16).toUpperCase()); }).join(''),
    func: bytes[0],
  };
  if (bytes[0] === 1) {
    var faults = measurements(bytes, data);
    return faults.length ? { errors: faults } : { data: data };
  }
  if (bytes[0] === 12) {
    if (bytes.length < 20) return { errors: ['an information message has 20 bytes'] };
    information(bytes, data);
    return { data: data };
  }
  return { data: data, warnings: ['function code ' + bytes[0] + ' is not read'] };
}

var plain = {
  'Pd (P1-PBaro)': 'pressure_difference',
  'Pd (P1-P2)': 'pressure_difference',
  P1: 'pressure_1',
  P2: 'pressure_2',
  TOB1: 'probe_temperature_1',
  TOB2: 'probe_temperature_2',
  PBaro: 'air_pressure',
  TBaro: 'air_temperature',
  'Conductivity Tc': 'conductivity',
  'Counter input': 'counter',
  battery_voltage: 'battery_voltage',
  battery_capacity_percentage: 'battery_level',
  humidity_percentage: 'housing_humidity',
};

/** The quantities under names that can stand in a path, and the water column above the probe in metres (1 bar = 10.1972 m at 4 °C). */
function normalizeUplink(input) {
  var data = {};
  Object.keys(input.data).forEach(function (name) {
    if (plain[name] && isFinite(input.data[name])) data[plain[name]] = input.data[name];
  });
  if (data.pressure_difference !== undefined) data.water_column = data.pressure_difference * 10.1972;
  return { data: data };
}
