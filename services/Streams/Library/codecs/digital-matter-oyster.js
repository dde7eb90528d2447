// Digital Matter Oyster: position of vehicles and equipment. Little-endian.

function int32(bytes, at) {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

/** 24 bits, in steps of 256e-7 degrees. */
function short(bytes, at) {
  return (((bytes[at] << 8) | (bytes[at + 1] << 16) | (bytes[at + 2] << 24)) >> 8) * 256e-7;
}

function volts(byte) {
  return Number((byte * 0.025).toFixed(2));
}

/** A position that could not be renewed is the last one, and said to be so. */
function position(data, place) {
  if (!data.fixFailed) return { data: Object.assign(data, place), warnings: [] };
  data.cached = place;
  return { data: data, warnings: ['fix failed'] };
}

function decodeUplink(input) {
  var b = input.bytes;
  switch (input.fPort) {
    case 1:
      if (b.length !== 11) return { errors: ['a position has 11 bytes'] };
      return position(
        { type: 'position', inTrip: (b[8] & 1) !== 0, fixFailed: (b[8] & 2) !== 0, batV: volts(b[10]), manDown: null },
        { latitudeDeg: int32(b, 0) / 1e7, longitudeDeg: int32(b, 4) / 1e7, headingDeg: (b[8] >> 2) * 5.625, speedKmph: b[9] },
      );
    case 4:
      if (b.length !== 9) return { errors: ['a short position has 9 bytes'] };
      return position(
        { type: 'position', inTrip: (b[8] & 1) !== 0, fixFailed: (b[8] & 2) !== 0, batV: volts(b[7]), manDown: (b[8] & 4) !== 0 },
        { latitudeDeg: short(b, 0), longitudeDeg: short(b, 3), headingDeg: (b[6] & 7) * 45, speedKmph: (b[6] >> 3) * 5 },
      );
    case 2:
      return { data: { type: 'downlink ack', sequence: b[0] & 0x7f, accepted: (b[0] & 0x80) !== 0, fwMaj: b[1], fwMin: b[2] } };
    case 3:
      return { data: { type: 'stats', initialBatV: Number((4 + 0.1 * (b[0] & 0x0f)).toFixed(1)), uptimeWeeks: (b[9] >> 7) + b[10] * 2 } };
    default:
      return { errors: ['unknown port ' + input.fPort] };
  }
}
