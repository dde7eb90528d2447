// Terabee level monitor XL: distance and level of containers by light. Big-endian.

function decodeUplink(input) {
  var b = input.bytes;
  if (b.length !== 6) return { errors: ['a message has 6 bytes'] };
  return { data: { distance: (b[0] << 8) | b[1], levelPercentage: b[2], batteryVoltage: (b[3] << 8) | b[4] } };
}
