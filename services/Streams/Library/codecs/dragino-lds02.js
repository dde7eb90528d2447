// uses shared/dragino.js
// Dragino LDS02 (door) and LWL02 (water): the third byte says which.

function decodeUplink(input) {
  var bytes = input.bytes;
  if (input.fPort !== 10) return { errors: ['unknown port ' + input.fPort] };
  if (bytes.length < 7) return { errors: ['a message has 10 bytes'] };
  var data = { BAT_V: volts(bytes), MOD: bytes[2] };
  if (bytes[2] === 1) {
    data.DOOR_OPEN_STATUS = bytes[0] >> 7;
    data.DOOR_OPEN_TIMES = uint24(bytes, 3);
    data.LAST_DOOR_OPEN_DURATION = uint24(bytes, 6);
    data.ALARM = (bytes[9] || 0) & 1;
  } else if (bytes[2] === 2) {
    data.WATER_LEAK_STATUS = (bytes[0] >> 6) & 1;
    data.WATER_LEAK_TIMES = uint24(bytes, 3);
    data.LAST_WATER_LEAK_DURATION = uint24(bytes, 6);
  } else {
    return { errors: ['unknown mode ' + bytes[2]] };
  }
  return { data: data };
}

/** The states as truth values. */
function normalizeUplink(input) {
  var data = input.data;
  if (data.DOOR_OPEN_STATUS !== undefined) data.door_open = data.DOOR_OPEN_STATUS === 1;
  if (data.WATER_LEAK_STATUS !== undefined) data.leak = data.WATER_LEAK_STATUS === 1;
  return { data: data };
}
