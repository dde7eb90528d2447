// Milesight AM104 and AM107: room climate. A channel byte, a type byte, a value; little-endian.

function uint16(bytes, at) {
  return bytes[at] | (bytes[at + 1] << 8);
}

function int16(bytes, at) {
  return (uint16(bytes, at) << 16) >> 16;
}

/** By channel and type: how many bytes follow, and what they put into `data`. */
var channels = {
  // battery 0x75, temperature 0x67, humidity 0x68, motion 0x6a, light 0x65, concentration 0x7d, pressure 0x73
  '1/117': [1, function (d, b, i) { d.battery = b[i]; }],
  '3/103': [2, function (d, b, i) { d.temperature = int16(b, i) / 10; }],
  '4/104': [1, function (d, b, i) { d.humidity = b[i] / 2; }],
  '5/106': [2, function (d, b, i) { d.activity = uint16(b, i); }],
  '6/101': [6, function (d, b, i) {
    d.illumination = uint16(b, i);
    d.infrared_and_visible = uint16(b, i + 2);
    d.infrared = uint16(b, i + 4);
  }],
  '7/125': [2, function (d, b, i) { d.co2 = uint16(b, i); }],
  '8/125': [2, function (d, b, i) { d.tvoc = uint16(b, i); }],
  '9/115': [2, function (d, b, i) { d.pressure = uint16(b, i) / 10; }],
};

function decodeUplink(input) {
  var bytes = input.bytes;
  var data = {};
  for (var at = 0; at < bytes.length; ) {
    var channel = channels[bytes[at] + '/' + bytes[at + 1]];
    if (!channel) return { data: data, warnings: ['unknown channel ' + bytes[at] + ' at byte ' + at + '; the rest is not read'] };
    if (at + 2 + channel[0] > bytes.length) return { errors: ['the message ends within the value at byte ' + at] };
    channel[1](data, bytes, at + 2);
    at += 2 + channel[0];
  }
  return { data: data };
}
