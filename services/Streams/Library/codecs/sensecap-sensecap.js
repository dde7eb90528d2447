// Seeed SenseCAP sensors of the first generation: frames of 7 bytes (channel, data id, value; little-endian), then a CRC-16.

var values = {
  4097: 'air_temperature',
  4098: 'air_humidity',
  4099: 'illuminance',
  4100: 'co2',
  4101: 'air_pressure',
  4102: 'soil_temperature',
  4103: 'soil_moisture',
  4104: 'wind_direction',
  4105: 'wind_speed',
  4106: 'ph',
  4107: 'light_quantum',
  4108: 'electrical_conductivity',
  4109: 'dissolved_oxygen',
  4110: 'soil_water_content',
  4111: 'soil_conductivity',
  4113: 'rainfall_rate',
};

function hex(bytes) {
  return bytes.map(function (byte) { return ('0' + byte.toString(16)).slice(-2).toUpperCase(); }).join('');
}

/** CRC-16/KERMIT; 0 over a message with its check sum. */
function crc16(bytes) {
  return bytes.reduce(function (crc, byte) {
    crc ^= byte;
    for (var bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0x8408 : crc >> 1;
    return crc;
  }, 0);
}

function decodeUplink(input) {
  var bytes = input.bytes;
  var data = { valid: true, err: 0, payload: hex(bytes), messages: [] };
  var fault = crc16(bytes) !== 0 ? [-1, 'the check sum is wrong'] : (bytes.length - 2) % 7 !== 0 ? [-2, 'the length is no multiple of 7'] : null;
  if (fault) {
    data.valid = false;
    data.err = fault[0];
    return { data: data, errors: [fault[1]] };
  }

  var sensor = {};
  for (var at = 0; at < bytes.length - 2; at += 7) {
    var id = bytes[at + 1] | (bytes[at + 2] << 8);
    var v = bytes.slice(at + 3, at + 7);
    var number = v[0] | (v[1] << 8) | (v[2] << 16) | (v[3] << 24);
    if (id > 4096) {
      data.messages.push({ type: 'report_telemetry', measurementId: id, measurementValue: number / 1000 });
    } else if (id === 0) {
      data.messages.push({ type: 'upload_version', hardwareVersion: v[3] + '.' + v[2], softwareVersion: v[1] + '.' + v[0] });
    } else if (id === 2 || id === 3) {
      sensor[id] = hex(v.reverse());
    } else if (id === 7) {
      data.messages.push({ type: 'upload_battery', battery: v[0] | (v[1] << 8) });
      data.messages.push({ type: 'upload_interval', interval: (v[2] | (v[3] << 8)) * 60 });
    } else if (id === 0x120) {
      data.messages.push({ type: 'report_remove_sensor', channel: 1 });
    } else if (id !== 1 && id !== 4 && id !== 5 && id !== 6) {
      data.messages.push({ type: 'unknown_message', dataID: id, dataValue: hex(v).toLowerCase() });
    }
  }
  if (sensor[2] && sensor[3]) data.messages.unshift({ type: 'upload_sensor_id', channel: 1, sensorId: sensor[3] + sensor[2] });
  return { data: data };
}

/** The measurements of the list of messages by name. */
function normalizeUplink(input) {
  var data = {};
  (input.data.messages || []).forEach(function (message) {
    if (message.type === 'report_telemetry') data[values[message.measurementId] || 'measurement_' + message.measurementId] = message.measurementValue;
    if (message.type === 'upload_battery') data.battery = message.battery;
  });
  return { data: data };
}
