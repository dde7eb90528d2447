// uses shared/milesight.js
// Milesight WS558: switches eight circuits of lights and measures what they take.

function uint32(b, i) {
  return (uint16(b, i) | (uint16(b, i + 2) << 16)) >>> 0;
}

var channels = {
  '3/116': [2, function (d, b, i) { d.voltage = uint16(b, i) / 10; }],
  '4/128': [4, function (d, b, i) { d.active_power = uint32(b, i); }],
  '5/129': [1, function (d, b, i) { d.power_factor = b[i]; }],
  '6/131': [4, function (d, b, i) { d.power_consumption = uint32(b, i); }],
  '7/201': [2, function (d, b, i) { d.total_current = uint16(b, i); }],
  // which ones were switched, then how all of them are
  '8/49': [2, function (d, b, i) { for (var n = 0; n < 8; n++) d['switch_' + (n + 1)] = (b[i + 1] >> n) & 1 ? 'on' : 'off'; }],
};

function decodeUplink(input) {
  return readChannels(input.bytes, channels);
}

function normalizeUplink(input) {
  var names = {};
  for (var n = 1; n <= 8; n++) names['light_' + n] = ['switch_' + n, 'on'];
  return truths(input.data, names);
}

/** `{"switch_1": "on", "switch_4": "off"}`: the others stay as they are. Or the settings of all Milesight devices. */
function encodeDownlink(input) {
  var mask = 0;
  var state = 0;
  var errors = [];
  for (var n = 0; n < 8; n++) {
    var wanted = input.data['switch_' + (n + 1)];
    if (wanted === undefined) continue;
    if (wanted !== 'on' && wanted !== 'off') errors.push('switch_' + (n + 1) + ' must be on or off');
    mask |= 1 << n;
    if (wanted === 'on') state |= 1 << n;
  }
  if (errors.length) return { errors: errors };
  return mask === 0 ? encodeSettings(input.data) : { fPort: 85, bytes: [0x08, mask, state] };
}

function decodeDownlink(input) {
  var b = input.bytes;
  if (b[0] !== 0x08 || b.length !== 3) return decodeSettings(b);
  var data = {};
  for (var n = 0; n < 8; n++) if ((b[1] >> n) & 1) data['switch_' + (n + 1)] = (b[2] >> n) & 1 ? 'on' : 'off';
  return { data: data };
}
