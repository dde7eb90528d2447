// IMBuildings people counter: infrared beam that counts by direction. Big-endian; the message with the device's id is read.

function uint16(bytes, at) {
  return (bytes[at] << 8) | bytes[at + 1];
}

function decodeUplink(input) {
  var bytes = input.bytes;
  if (bytes[0] !== 2 || bytes[1] !== 6) return { errors: ['no people counter, or not its variant 6'] };
  if (bytes.length !== 23) return { errors: ['a message has 23 bytes'] };
  return {
    data: {
      device_type_identifier: bytes[0],
      device_type: 'People Counter',
      device_type_variant: bytes[1],
      device_id: bytes.slice(2, 10).map(function (byte) { return ('0' + byte.toString(16)).slice(-2); }).join(''),
      device_status: bytes[10],
      battery_voltage: uint16(bytes, 11) / 100,
      counter_a: uint16(bytes, 13),
      counter_b: uint16(bytes, 15),
      sensor_status: bytes[17],
      total_counter_a: uint16(bytes, 18),
      total_counter_b: uint16(bytes, 20),
      payload_counter: bytes[22],
    },
  };
}
