// MClimate flood sensor.

var reasons = ['keepalive', 'testButtonPressed', 'floodDetected', 'fraudDetected'];

function decodeUplink(input) {
  var bytes = input.bytes;
  if (bytes.length < 2) return { errors: ['a message has at least 2 bytes'] };
  var data = {
    reason: reasons[bytes[0] >> 5],
    boxTamper: (bytes[0] & 0x08) !== 0,
    flood: (bytes[0] & 0x02) !== 0,
    battery: (bytes[1] * 16) / 1000,
  };
  if (bytes.length > 2) data.temperature = bytes[2];
  return { data: data };
}
