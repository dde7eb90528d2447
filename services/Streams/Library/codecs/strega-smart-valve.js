// Strega Smart Valve: a motorised valve. A message is mostly text: battery (4 characters), status (1 character), then parts:
// `#` temperature and humidity (4 raw bytes), `C` a counter (6 hexadecimal digits), `V` an analogue input (4), `@` an acknowledgement.
// The maker gives bits as texts, and "null" for what was not sent.

function text(bytes) {
  return String.fromCharCode.apply(null, bytes);
}

function bit(byte, index) {
  return String((byte >> index) & 1);
}

function rounded(number) {
  return Math.round(number * 100) / 100;
}

/** The hexadecimal number of so many digits after a letter, or undefined. */
function numberAfter(letter, digits, message) {
  var found = new RegExp(letter + '([0-9A-Fa-f]{' + digits + '})').exec(message);
  return found ? parseInt(found[1], 16) : undefined;
}

/** Battery in percent; valves on external power send none. */
function battery(bytes) {
  var first = bytes[0] >> 4;
  if (first !== 0x3 && first !== 0xb) return undefined;
  return Math.round((Number(String(bytes[0] & 0x0f) + text(bytes.slice(1, 4))) - 2000) / 16);
}

function decodeUplink(input) {
  var bytes = input.bytes;
  if (bytes.length < 5) return { errors: ['a message has at least 5 bytes'] };
  if (bytes[0] === 0x40) return { data: acknowledged(text(bytes.slice(1))) };

  var status = bytes[4] - 0x30;
  var data = {
    Bat: battery(bytes),
    Actuator: bit(status, 0),
    Tamper: bit(status, 1),
    Cable: bit(status, 2),
    DI0: bit(status, 3),
    DI1: bit(status, 4),
    Leak: bit(status, 5),
    Fraud: bit(status, 6),
    Class: bit(bytes[0], 7),
    Power: bit(bytes[0], 6),
    vt: bit(status, 1) + bit(status, 0),
  };
  if (bytes[5] === 0x40) return { data: Object.assign(data, acknowledged(text(bytes.slice(6)))) };

  var climate = bytes[5] === 0x23 && bytes.length >= 10;
  var rest = text(bytes.slice(climate ? 10 : 5));
  var counter = numberAfter('C', 6, rest);
  var analogue = numberAfter('V', 4, rest);
  data.counterValue = counter === undefined ? 'null' : counter;
  data.Ana = analogue === undefined ? 'null' : analogue / 1000;
  data.Temp = climate ? rounded((((bytes[6] << 8) | bytes[7]) / 65536) * 165 - 40) : 'null';
  data.Hygro = climate ? rounded((((bytes[8] << 8) | bytes[9]) / 65536) * 100) : 'null';
  return { data: data };
}

/** Two digits of the port that a command came to, then its value. */
function acknowledged(rest) {
  return { ackPort: parseInt(rest.slice(0, 2), 16), ackValue: rest.slice(2) };
}

/** Numbers and truth values instead of texts. */
function normalizeUplink(input) {
  var from = input.data;
  var data = {};
  ['Bat', 'Temp', 'Hygro', 'Ana', 'counterValue'].forEach(function (name) { if (typeof from[name] === 'number') data[name] = from[name]; });
  ['Actuator', 'Tamper', 'Cable', 'DI0', 'DI1', 'Leak', 'Fraud', 'Power'].forEach(function (name) { if (from[name] !== undefined) data[name] = from[name] === '1'; });
  return { data: data };
}

/** `{"open": true}` or `{"open": false}`, for `minutes` if given. */
function encodeDownlink(input) {
  var open = input.data.open;
  if (typeof open !== 'boolean') return { errors: ['open must be true or false'] };
  var minutes = input.data.minutes;
  if (minutes === undefined) return { fPort: 1, bytes: [0x30 + (open ? 1 : 0)] };
  if (!(minutes >= 1 && minutes <= 255)) return { errors: ['minutes must lie between 1 and 255'] };
  return { fPort: 2, bytes: [0x40 + (open ? 1 : 0), minutes] };
}

function decodeDownlink(input) {
  var data = { open: (input.bytes[0] & 1) === 1 };
  if (input.fPort === 2) data.minutes = input.bytes[1];
  return { data: data };
}
