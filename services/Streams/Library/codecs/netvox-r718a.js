// uses shared/netvox.js
// Netvox R711 and R718A: temperature and humidity.

var devices = { 1: 'R711', 11: 'R718A' };
var changes = [['BatteryChange', 1, 10], ['TempChange', 2, 100], ['HumiChange', 2, 100]];

function report(data, bytes) {
  data.Temp = int16(bytes, 4) / 100;
  data.Humi = uint16(bytes, 6) / 100;
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
