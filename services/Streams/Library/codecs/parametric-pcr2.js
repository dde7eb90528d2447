// Parametric PCR2: radar that counts people (or vehicles) by direction. Big-endian.

function uint16(bytes, at) {
  return (bytes[at] << 8) | bytes[at + 1];
}

function int16(bytes, at) {
  return (uint16(bytes, at) << 16) >> 16;
}

/** The extended message; version 3 gives the battery as one byte. */
function counts(bytes) {
  var after = bytes[2] === 3 ? 12 : 13;
  if (bytes.length !== after + 4) return { errors: ['the message has not ' + (after + 4) + ' bytes'] };
  var data = {
    LTR: uint16(bytes, 3),
    RTL: uint16(bytes, 5),
    LTR_SUM: uint16(bytes, 7),
    RTL_SUM: uint16(bytes, 9),
    SBX_BATT: bytes[2] === 3 ? bytes[11] : uint16(bytes, 11),
    SBX_PV: uint16(bytes, after),
    TEMP: Math.floor(int16(bytes, after + 2) / 10),
  };
  data.DIFF = Math.abs(data.LTR_SUM - data.RTL_SUM);
  return { data: data };
}

/** The short message in Elsys' format. */
function shortCounts(bytes) {
  var data = {};
  for (var at = 0; at + 2 < bytes.length; at += 3) {
    if (bytes[at] === 0x0a) data.LTR = uint16(bytes, at + 1);
    else if (bytes[at] === 0x16) data.RTL = uint16(bytes, at + 1);
    else if (bytes[at] === 0x01) data.TEMP = Math.floor(int16(bytes, at + 1) / 10);
    else return { errors: ['unknown type ' + bytes[at]] };
  }
  return { data: data };
}

function decodeUplink(input) {
  var bytes = input.bytes;
  var known = bytes[0] === 0xbe && bytes[1] === 0x01;
  if (input.fPort === 14 && bytes[0] === 0x0a) return shortCounts(bytes);
  if (input.fPort === 14 && known && (bytes[2] === 3 || bytes[2] === 4)) return counts(bytes);
  if (input.fPort === 190 && known && bytes.length >= 20) {
    return { data: { type: 'configuration', DeviceType: bytes[3], Firmware: bytes.slice(4, 7).join('.'), UplinkInterval: uint16(bytes, 11) } };
  }
  return { errors: ['unknown port or message'] };
}
