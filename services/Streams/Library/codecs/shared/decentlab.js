// Decentlab's protocol, version 2, all numbers big-endian: version (1 byte), device id (2), flags (2), then for each flag that is set,
// from the lowest on, that sensor group's 16-bit words. A codec that builds on this lists its groups from flag 0 on:
// { words: how many, values: [[name, display name, unit, function of the words], …] }. What is not measured in a message is left out.

function word(bytes, at) {
  return (bytes[at] << 8) | bytes[at + 1];
}

/** A word that the device offsets by 2^15, so that it can be negative. */
function signed(raw) {
  return raw - 32768;
}

function readGroups(bytes, groups, unitlessHaveNull) {
  if (bytes[0] !== 2) return { errors: ['protocol version ' + bytes[0] + ' is not 2'] };
  var data = { protocol_version: bytes[0], device_id: word(bytes, 1) };
  var flags = word(bytes, 3);
  var at = 5;
  for (var g = 0; g < groups.length; g++) {
    if (!((flags >> g) & 1)) continue;
    var words = [];
    for (var w = 0; w < groups[g].words; w++, at += 2) {
      if (at + 1 >= bytes.length) return { errors: ['the message ends within group ' + g] };
      words.push(word(bytes, at));
    }
    groups[g].values.forEach(function (value) {
      var entry = { displayName: value[1], value: value[3](words) };
      if (value[2] !== null || unitlessHaveNull) entry.unit = value[2];
      data[value[0]] = entry;
    });
  }
  var warnings = at < bytes.length || flags >> groups.length ? ['the message has more than this device sends'] : [];
  return warnings.length ? { data: data, warnings: warnings } : { data: data };
}

/** Each quantity as a plain number under its own name. */
function normalizeUplink(input) {
  var data = {};
  Object.keys(input.data).forEach(function (name) {
    var entry = input.data[name];
    if (entry !== null && typeof entry === 'object') data[name] = entry.value;
  });
  return { data: data };
}

/** Commands by name: the code, and whether a parameter goes with it. */
var commands = {
  'set period': [0x0001, true],
  'set period + save': [0x0002, true],
  'set adr on': [0x0005, false],
  'set adr on + save': [0x0006, false],
  'set adr off': [0x0007, false],
  'set adr off + save': [0x0008, false],
  'set send_period': [0x0011, true],
  'set send_period + save': [0x0012, true],
  reset: [0xfefe, false],
};

/** CRC-16/MODBUS. */
function crc16(bytes) {
  return bytes.reduce(function (crc, byte) {
    crc ^= byte;
    for (var bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
    return crc;
  }, 0xffff);
}

/** `{"command": "set period + save", "parameter": seconds}` and the others of `commands`. */
function encodeDownlink(input) {
  var command = commands[input.data.command];
  if (!command) return { errors: ['command must be one of ' + Object.keys(commands).join(', ')] };
  var parameter = command[1] ? input.data.parameter : 0;
  if (!(parameter >= 0 && parameter <= 0xffff) || parameter % 1 !== 0) return { errors: ['parameter must be a whole number from 0 to 65535'] };
  var bytes = [command[0] >> 8, command[0] & 0xff, parameter >> 8, parameter & 0xff];
  var check = crc16(bytes);
  return { fPort: 1, bytes: bytes.concat([check >> 8, check & 0xff]) };
}

function decodeDownlink(input) {
  var bytes = input.bytes;
  if (bytes.length !== 6) return { errors: ['a command has 6 bytes'] };
  if (crc16(bytes.slice(0, 4)) !== word(bytes, 4)) return { errors: ['the check sum is wrong'] };
  var name = Object.keys(commands).filter(function (key) { return commands[key][0] === word(bytes, 0); })[0];
  if (!name) return { errors: ['unknown command ' + word(bytes, 0)] };
  return { data: commands[name][1] ? { command: name, parameter: word(bytes, 2) } : { command: name } };
}
