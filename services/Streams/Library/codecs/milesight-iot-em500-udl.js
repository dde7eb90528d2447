// uses shared/milesight.js
// Milesight EM500-UDL: ultrasonic distance.

var channels = {
  '1/117': [1, battery],
  '3/130': [2, distance],
};

function decodeUplink(input) {
  return readChannels(input.bytes, channels);
}

function encodeDownlink(input) {
  return encodeSettings(input.data);
}

function decodeDownlink(input) {
  return decodeSettings(input.bytes);
}
