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
