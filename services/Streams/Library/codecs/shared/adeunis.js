// What Adeunis' devices of the fourth generation share: a code, a status byte, values, and the time at the end where the status says so. Big-endian.

function int16(bytes, at) {
  return ((bytes[at] << 24) >> 16) | bytes[at + 1];
}

function uint16(bytes, at) {
  return (bytes[at] << 8) | bytes[at + 1];
}

function uint32(bytes, at) {
  return ((uint16(bytes, at) << 16) | uint16(bytes, at + 2)) >>> 0;
}

function status(byte) {
  return {
    frameCounter: byte >> 5,
    hardwareError: false,
    lowBattery: (byte & 0x02) !== 0,
    configurationDone: (byte & 0x01) !== 0,
  };
}

/** The bytes without the time, and the time: seconds since 2013-01-01, written as the maker does. */
function timed(bytes) {
  if (!(bytes[1] & 0x04)) return { bytes: bytes };
  var end = bytes.length - 4;
  return { bytes: bytes.slice(0, end), time: new Date((uint32(bytes, end) + 1356998400) * 1000).toISOString().replace('Z', '') };
}

/** The message in the maker's shape: what is read, with its type, status and time. */
function message(type, state, time, content) {
  var found = { type: type, status: state };
  if (time !== undefined) found.timestamp = time;
  return { data: { bytes: Object.assign(found, content) } };
}

/** Life signs carry nothing but the status. */
function other(bytes, state) {
  if (bytes[0] === 0x30) return message('0x30 Keep alive', state, undefined, {});
  return { data: { bytes: { type: 'Unsupported', status: state } }, warnings: ['a message of type ' + bytes[0] + ' is not read'] };
}

function first(values) {
  return values && values.length ? values[0] : undefined;
}
