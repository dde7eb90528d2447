// Cayenne LPP, which many makers offer: a channel byte, a type byte, a value; big-endian. Fields are named by type and channel.

function unsigned(bytes, at, length) {
  var number = 0;
  for (var i = 0; i < length; i++) number = number * 256 + bytes[at + i];
  return number;
}

function signed(bytes, at, length) {
  var number = unsigned(bytes, at, length);
  var half = Math.pow(2, 8 * length - 1);
  return number >= half ? number - 2 * half : number;
}

/** A number of so many bytes, of which each unit is 1 / parts. */
function plain(name, length, parts, read) {
  return { name: name, length: length, read: function (b, i) { return (read || unsigned)(b, i, length) / parts; } };
}

function axes(name, parts) {
  return {
    name: name,
    length: 6,
    read: function (b, i) { return { x: signed(b, i, 2) / parts, y: signed(b, i + 2, 2) / parts, z: signed(b, i + 4, 2) / parts }; },
  };
}

var types = {
  0: plain('digital_in', 1, 1),
  1: plain('digital_out', 1, 1),
  2: plain('analog_in', 2, 100, signed),
  3: plain('analog_out', 2, 100, signed),
  100: plain('generic', 4, 1),
  101: plain('luminosity', 2, 1),
  102: plain('presence', 1, 1),
  103: plain('temperature', 2, 10, signed),
  104: plain('relative_humidity', 1, 2),
  113: axes('accelerometer', 1000),
  115: plain('barometric_pressure', 2, 10),
  116: plain('voltage', 2, 100),
  117: plain('current', 2, 1000),
  118: plain('frequency', 4, 1),
  120: plain('percentage', 1, 1),
  121: plain('altitude', 2, 1, signed),
  125: plain('concentration', 2, 1),
  128: plain('power', 2, 1),
  130: plain('distance', 4, 1000),
  131: plain('energy', 4, 1000),
  132: plain('direction', 2, 1),
  133: { name: 'unix_time', length: 4, read: function (b, i) { return new Date(unsigned(b, i, 4) * 1000).toISOString().replace('.000', ''); } },
  134: axes('gyrometer', 100),
  135: { name: 'colour', length: 3, read: function (b, i) { return { r: b[i], g: b[i + 1], b: b[i + 2] }; } },
  136: {
    name: 'gps',
    length: 9,
    read: function (b, i) { return { latitude: signed(b, i, 3) / 10000, longitude: signed(b, i + 3, 3) / 10000, altitude: signed(b, i + 6, 3) / 100 }; },
  },
  142: { name: 'switch', length: 1, read: function (b, i) { return b[i] !== 0; } },
};

function decodeUplink(input) {
  var bytes = input.bytes;
  var data = {};
  for (var at = 0; at < bytes.length; ) {
    var type = types[bytes[at + 1]];
    if (!type) return { errors: ['unknown type ' + bytes[at + 1] + ' at byte ' + (at + 1)] };
    if (at + 2 + type.length > bytes.length) return { errors: ['the message ends within the value at byte ' + at] };
    data[type.name + '_' + bytes[at]] = type.read(bytes, at + 2);
    at += 2 + type.length;
  }
  return { data: data };
}

/** `{"digital_out_1": 1, "analog_out_2": 0.5}`: for each a channel, its value in hundredths, and 255. */
function encodeDownlink(input) {
  var bytes = [];
  var errors = [];
  Object.keys(input.data).forEach(function (name) {
    var channel = /^(?:digital|analog)_out_(\d{1,3})$/.exec(name);
    var value = Math.round(input.data[name] * 100);
    if (!channel || channel[1] > 254) errors.push(name + ' is not digital_out_ or analog_out_ with a channel');
    else if (!(value >= -32768 && value <= 32767)) errors.push(name + ' must be a number from -327.68 to 327.67');
    else bytes.push(Number(channel[1]), (value >> 8) & 0xff, value & 0xff, 0xff);
  });
  if (bytes.length === 0 && errors.length === 0) errors.push('there is no output');
  return errors.length ? { errors: errors } : { fPort: 10, bytes: bytes };
}

function decodeDownlink(input) {
  var data = {};
  if (input.bytes.length % 4 !== 0) return { errors: ['an output has 4 bytes'] };
  for (var at = 0; at < input.bytes.length; at += 4) data['analog_out_' + input.bytes[at]] = signed(input.bytes, at + 1, 2) / 100;
  return { data: data };
}
