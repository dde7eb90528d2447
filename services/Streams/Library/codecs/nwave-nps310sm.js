// Nwave NPS310SM: parking sensor.

var resetCauses = [undefined, 'watchdog', 'power_on', 'user_request', 'brownout', 'other'];

/** What is longer than known may be another device's. */
function withLength(known, bytes, data) {
  if (bytes.length < known) return { errors: ['the message is empty'] };
  return bytes.length > known ? { data: data, warnings: ['the message is longer than known'] } : { data: data };
}

function decodeUplink(input) {
  var bytes = input.bytes;
  switch (input.fPort) {
    case 1:
      return withLength(1, bytes, { type: 'parking_status', occupied: (bytes[0] & 1) === 1 });
    case 2:
      return withLength(1, bytes, { type: 'heartbeat', occupied: (bytes[0] & 1) === 1 });
    case 3:
      if (bytes.length < 5) return { errors: ['a startup message has 5 bytes'] };
      return {
        data: {
          type: 'startup',
          firmware_version: bytes.slice(0, 3).join('.'),
          reset_cause: resetCauses[bytes[3]],
          occupied: (bytes[4] & 1) === 1,
        },
      };
    case 6:
      return { data: { type: 'debug', bytes: bytes } };
    default:
      return { errors: ['unknown port ' + input.fPort] };
  }
}
