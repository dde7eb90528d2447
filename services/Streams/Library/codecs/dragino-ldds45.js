// uses shared/dragino.js
// Dragino LDDS20 and LDDS45: ultrasonic distance. The maker writes the readings as texts with their unit.

function decodeUplink(input) {
  var bytes = input.bytes;
  if (input.fPort !== 2) return { errors: ['unknown port ' + input.fPort] };
  if (bytes.length !== 8) return { errors: ['a message has 8 bytes'] };
  var distance = uint16(bytes, 2);
  return {
    data: {
      Bat: volts(bytes),
      Distance: distance === 0 ? 'No Sensor' : distance < 20 ? 'Invalid Reading' : distance + ' mm',
      Interrupt_flag: bytes[4],
      TempC_DS18B20: (int16(bytes, 5) / 10).toFixed(2),
      Sensor_flag: bytes[7],
    },
  };
}

/** Numbers instead of texts; the temperature's probe is seldom there, and gives 0 then. */
function normalizeUplink(input) {
  var from = input.data;
  var data = { battery: from.Bat };
  if (/ mm$/.test(from.Distance)) data.distance = parseInt(from.Distance, 10);
  if (Number(from.TempC_DS18B20) !== 0) data.temperature = Number(from.TempC_DS18B20);
  return { data: data };
}
