// uses shared/dragino.js
// Dragino LSE01: soil moisture, temperature and conductivity. The maker writes the readings as texts with fixed decimals.

function decodeUplink(input) {
  var bytes = input.bytes;
  if (input.fPort !== 2) return { errors: ['unknown port ' + input.fPort] };
  if (bytes.length < 10) return { errors: ['a message has 11 bytes'] };
  return {
    data: {
      Bat: volts(bytes),
      TempC_DS18B20: (int16(bytes, 2) / 10).toFixed(1),
      water_SOIL: (uint16(bytes, 4) / 100).toFixed(2),
      temp_SOIL: (int16(bytes, 6) / 100).toFixed(2),
      conduct_SOIL: uint16(bytes, 8),
    },
  };
}
