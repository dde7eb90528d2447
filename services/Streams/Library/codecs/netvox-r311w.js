// uses shared/netvox.js
// Netvox R311W: two water detectors.

var devices = { 6: 'R311W' };
var changes = [['BatteryChange', 1, 10]];

function report(data, bytes) {
  data.WaterLeak_1 = bytes[4] === 0 ? 'NoLeak' : 'Leak';
  data.WaterLeak_2 = bytes[5] === 0 ? 'NoLeak' : 'Leak';
}

function decodeUplink(input) {
  return readReport(input, devices, report, changes);
}

function encodeDownlink(input) {
  return writeCommand(input.data, devices, changes);
}

function decodeDownlink(input) {
  return readCommand(input.bytes, devices, changes);
}

/** The states as truth values. */
function normalizeUplink(input) {
  var data = {};
  if (input.data.Volt !== undefined) data.battery = input.data.Volt;
  if (input.data.WaterLeak_1 !== undefined) data.leak_1 = input.data.WaterLeak_1 === 'Leak';
  if (input.data.WaterLeak_2 !== undefined) data.leak_2 = input.data.WaterLeak_2 === 'Leak';
  return { data: data };
}
