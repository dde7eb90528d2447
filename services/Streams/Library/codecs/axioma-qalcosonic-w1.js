// Axioma Qalcosonic W1: ultrasonic water meter, the message with 23 hourly amounts. Little-endian; the amounts have 14 bits each, lowest bit first.

var hours = 23;

function uint32(bytes, at) {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

/** So many bits from a bit on, counted from byte 10. */
function bits(bytes, first, count) {
  var number = 0;
  for (var i = 0; i < count; i++) {
    var at = first + i;
    number += ((bytes[10 + (at >> 3)] >> (at & 7)) & 1) * Math.pow(2, i);
  }
  return number;
}

function decodeUplink(input) {
  var bytes = input.bytes;
  if (input.fPort !== 100) return { errors: ['unknown port ' + input.fPort] };
  if (bytes[0] !== 1 || bytes.length !== 51) return { errors: ['a message begins with 1 and has 51 bytes'] };
  var status = bytes[5];
  var backflow = (status & 0x60) === 0x60;
  var burst = (status & 0xa0) === 0xa0;
  var first = uint32(bytes, 6);
  var data = {
    payload_format: 'AXIOMA_W1_ENHANCED_24H',
    frame_version: bytes[0],
    payload_bytes: bytes.length,
    timestamp_unix: uint32(bytes, 1),
    timestamp_utc: new Date(uint32(bytes, 1) * 1000).toISOString(),
    status: status,
    low_battery: (status & 0x04) !== 0,
    permanent_error: (status & 0x08) !== 0,
    temporary_error: (status & 0x10) !== 0,
    pipe_empty: status === 0x10,
    backflow: backflow,
    burst: burst,
    leakage: (status & 0x20) !== 0 && !backflow && !burst,
    low_temperature: (status & 0x80) !== 0 && !burst,
    log_volume_m3: first / 1000,
  };
  var total = 0;
  for (var hour = 0; hour < hours; hour++) {
    var litres = bits(bytes, 14 * hour, 14);
    data['delta_' + (hour + 1) + '_m3'] = litres / 1000;
    total += litres;
  }
  data.history_count = hours;
  data.history_total_m3 = total / 1000;
  data.current_volume_m3 = (first + total) / 1000;
  data.history_multiplier = bits(bytes, 14 * hours, 6);
  return data.history_multiplier === 0 ? { data: data } : { data: data, warnings: ['the amounts have a multiplier, which is not known'] };
}
