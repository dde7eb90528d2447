// uses shared/milesight.js
// Milesight WT101: radiator valve.

var calibrations = ['success', 'fail: out of range', 'fail: uninstalled', 'calibration cleared', 'temperature control disabled'];

var channels = {
  '1/117': [1, battery],
  '3/103': [2, temperature],
  '4/103': [2, function (d, b, i) { d.temperature_target = int16(b, i) / 10; }],
  '5/146': [1, function (d, b, i) { d.valve_opening = b[i]; }],
  '6/0': state('install', 'installed', 'uninstalled'),
  '7/0': state('fenestration', 'normal', 'open'),
  '8/229': [1, function (d, b, i) { d.motor_calibration = calibrations[b[i]] || 'unknown'; }],
  '9/144': [2, function (d, b, i) { d.motor_storke = uint16(b, i); }],
  '10/0': state('freeze_protection', 'normal', 'triggered'),
  '11/144': [2, function (d, b, i) { d.motor_position = uint16(b, i); }],
};

function decodeUplink(input) {
  return readChannels(input.bytes, channels);
}

function normalizeUplink(input) {
  return truths(input.data, { window_open: ['fenestration', 'open'], freezing: ['freeze_protection', 'triggered'], removed: ['install', 'uninstalled'] });
}

/** By name: how the command begins, how many bytes the value takes, least and greatest value. */
var commands = {
  valve_opening: [[0xff, 0xb4], 1, 0, 100],
  report_interval: [[0xff, 0x8e, 0x00], 2, 1, 1440],
};

/** `{"target_temperature": °C, "temperature_tolerance": K}`, `{"valve_opening": %}`, `{"report_interval": minutes}`, `{"reboot": true}`, several at once if wanted. */
function encodeDownlink(input) {
  var data = input.data;
  var bytes = [];
  var errors = [];
  if (data.target_temperature !== undefined || data.temperature_tolerance !== undefined) {
    var tolerance = Math.round(data.temperature_tolerance * 10);
    if (!(data.target_temperature >= 5 && data.target_temperature <= 35) || data.target_temperature % 1 !== 0) errors.push('target_temperature must be a whole number from 5 to 35');
    if (!(tolerance >= 1 && tolerance <= 50)) errors.push('temperature_tolerance must be a number from 0.1 to 5');
    bytes.push(0xff, 0xb1, data.target_temperature, tolerance & 0xff, tolerance >> 8);
  }
  Object.keys(commands).forEach(function (name) {
    var command = commands[name];
    var value = data[name];
    if (value === undefined) return;
    if (!(value >= command[2] && value <= command[3]) || value % 1 !== 0) errors.push(name + ' must be a whole number from ' + command[2] + ' to ' + command[3]);
    bytes = bytes.concat(command[0], command[1] === 1 ? [value] : [value & 0xff, value >> 8]);
  });
  if (data.reboot === true) bytes.push(0xff, 0x10, 0xff);
  if (bytes.length === 0) errors.push('there is no command');
  return errors.length ? { errors: errors } : { fPort: 85, bytes: bytes };
}

function decodeDownlink(input) {
  var b = input.bytes;
  var data = {};
  for (var at = 0; at < b.length; ) {
    if (b[at] !== 0xff) return { errors: ['unknown command at byte ' + at] };
    switch (b[at + 1]) {
      case 0xb1:
        data.target_temperature = b[at + 2];
        data.temperature_tolerance = uint16(b, at + 3) / 10;
        at += 5;
        break;
      case 0xb4:
        data.valve_opening = b[at + 2];
        at += 3;
        break;
      case 0x8e:
        data.report_interval = uint16(b, at + 3);
        at += 5;
        break;
      case 0x10:
        data.reboot = true;
        at += 3;
        break;
      default:
        return { errors: ['unknown command at byte ' + at] };
    }
  }
  return { data: data };
}
