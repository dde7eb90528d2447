// What Dragino's devices share: big-endian numbers, and the command for the sending interval.

function int16(bytes, at) {
  return ((bytes[at] << 24) >> 16) | bytes[at + 1];
}

function uint16(bytes, at) {
  return (bytes[at] << 8) | bytes[at + 1];
}

/** What a short message leaves out counts as 0. */
function uint24(bytes, at) {
  return ((bytes[at] || 0) << 16) | ((bytes[at + 1] || 0) << 8) | (bytes[at + 2] || 0);
}

function uint32(bytes, at) {
  return ((uint16(bytes, at) << 16) | uint16(bytes, at + 2)) >>> 0;
}

/** The battery's voltage; the two bits above it say how full it is. */
function volts(bytes) {
  return (uint16(bytes, 0) & 0x3fff) / 1000;
}

/** `{"report_interval": seconds}`. */
function encodeDownlink(input) {
  var seconds = input.data.report_interval;
  if (!(seconds >= 30 && seconds <= 0xffffff) || seconds % 1 !== 0) return { errors: ['report_interval must be a whole number of seconds from 30 to 16777215'] };
  return { fPort: 2, bytes: [0x01, seconds >> 16, (seconds >> 8) & 0xff, seconds & 0xff] };
}

function decodeDownlink(input) {
  if (input.bytes[0] !== 0x01 || input.bytes.length !== 4) return { errors: ['unknown command'] };
  return { data: { report_interval: uint24(input.bytes, 1) } };
}
