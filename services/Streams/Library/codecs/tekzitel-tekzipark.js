// Tekzitel TekziPark: parking sensor with magnetometer, radar and Bluetooth beacons.

function int8(byte) {
  return (byte << 24) >> 24;
}

function decodeUplink(input) {
  var bytes = input.bytes;
  if (input.fPort !== 1 && input.fPort !== 2) return { errors: ['unknown port ' + input.fPort] };
  if (bytes.length < (input.fPort === 1 ? 3 : 12)) return { errors: ['the message is too short'] };
  // After three bytes come a signal strength and beacons of two bytes.
  if (input.fPort === 1 && bytes.length > 3 && bytes.length % 2 !== 0) return { errors: ['the message ends within a beacon'] };

  var flag = function (index) { return (bytes[0] >> index) & 1; };
  var data = {
    occupied: flag(7),
    keepAlive: flag(0),
    reset: flag(1),
    No_Beacon: flag(2),
    Radar: flag(3),
    Obstruction: flag(4),
    Good_Battery: flag(5),
    Temperature: int8(bytes[1]),
    Parking_ID: bytes[2],
  };
  if (input.fPort === 2) {
    ['X', 'Y', 'Z'].forEach(function (axis, index) {
      data['Deflection_' + axis] = int8(bytes[3 + index]);
      data['Baseline_' + axis] = int8(bytes[6 + index]);
    });
    data.Fault_Code = bytes[9];
    data.Obstruction = bytes[10];
    data.D_Reflection = bytes[11];
  } else if (bytes.length > 3) {
    data.Beacon_RSSI = int8(bytes[3]);
    data.Beacons = [];
    for (var at = 4; at + 1 < bytes.length; at += 2) data.Beacons.push((bytes[at] << 8) | bytes[at + 1]);
  }
  return { data: data };
}

/** Truth values instead of 0 and 1. */
function normalizeUplink(input) {
  var data = Object.assign({}, input.data);
  ['occupied', 'Obstruction', 'Good_Battery'].forEach(function (name) { data[name] = data[name] !== 0; });
  return { data: data };
}
