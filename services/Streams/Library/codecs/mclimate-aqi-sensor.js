// MClimate AQI sensor: volatile organic compounds and an index made of them, temperature, humidity and air pressure, packed into bits.

function decodeUplink(input) {
  var b = input.bytes;
  if (b[0] !== 1 || b.length !== 10) return { errors: ['a periodic message begins with 1 and has 10 bytes'] };
  return {
    data: {
      sAQI: ((b[1] << 1) | (b[2] >> 7)) * 16,
      AQI: ((b[2] >> 2) & 0x1f) * 16,
      CO2eq: (((b[2] & 0x03) << 8) | b[3]) * 32,
      VOC: b[4] * 4,
      relative_humidity: (b[5] * 4) / 10,
      pressure: (((b[6] << 3) | (b[7] >> 5)) * 40 + 30000) / 100,
      temperature: ((((b[7] & 0x0f) << 6) | (b[8] >> 2)) - 400) / 10,
      accuracy_aqi: b[8] & 0x03,
      voltage: b[9] * 8 + 1600,
    },
  };
}
