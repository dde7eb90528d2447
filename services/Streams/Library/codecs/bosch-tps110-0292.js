// Bosch TPS110 parking lot sensor, firmware 0.29.2.

var resetCauses = { 1: 'watchdog', 2: 'power on', 3: 'system request', 4: 'other' };

function uint32(bytes, at) {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

/** Debug codes have 12 bits; what stands above them says where in the firmware they arose. */
function debugCode(bytes, at) {
  return bytes[at] | ((bytes[at + 1] & 0x0f) << 8);
}

/** What is longer than known may be another device's. */
function withLength(known, bytes, data) {
  return bytes.length > known ? { data: data, warnings: ['the message is longer than known'] } : { data: data };
}

function decodeUplink(input) {
  var bytes = input.bytes;
  var occupied = (bytes[0] & 1) === 1;
  switch (input.fPort) {
    case 1:
      return withLength(1, bytes, { type: 'parking status', occupied: occupied });
    case 2: {
      var beat = { type: 'heartbeat', occupied: occupied };
      if (bytes.length > 1) beat.temperature = (bytes[1] << 24) >> 24;
      return withLength(2, bytes, beat);
    }
    case 3:
      if (bytes.length < 17) return { errors: ['a startup message has 17 bytes'] };
      return {
        data: {
          type: 'startup',
          debugCodes: [0, 4, 8].map(function (at) { return debugCode(bytes, at); }).filter(Boolean),
          firmwareVersion: bytes.slice(12, 15).join('.'),
          resetCause: resetCauses[bytes[15]],
          occupied: (bytes[16] & 1) === 1,
        },
      };
    case 4:
      return { data: { type: 'device information', bytes: bytes } };
    case 5:
      return { data: { type: 'device usage', bytes: bytes } };
    case 6:
      return { data: { type: 'debug', timestamp: uint32(bytes, 0), debugCode: debugCode(bytes, 4), sequenceNumber: bytes[8] | (bytes[9] << 8) } };
    default:
      return { errors: ['unknown port ' + input.fPort] };
  }
}
