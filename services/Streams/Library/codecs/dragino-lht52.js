// uses shared/dragino.js
// Dragino LHT52: room temperature and humidity, with a temperature probe outside where one is plugged in.

function hex(byte) {
  return ('0' + byte.toString(16)).slice(-2);
}

function decodeUplink(input) {
  var bytes = input.bytes;
  if (input.fPort === 5) {
    if (bytes.length !== 7) return { errors: ['a status message has 7 bytes'] };
    return { data: { Sensor_Model: bytes[0], Firmware_Version: hex(bytes[1]) + hex(bytes[2]), Freq_Band: bytes[3], Sub_Band: bytes[4], Bat_mV: uint16(bytes, 5) } };
  }
  if (input.fPort !== 2) return { errors: ['unknown port ' + input.fPort] };
  if (bytes.length !== 11) return { errors: ['a message has 11 bytes'] };
  return {
    data: { TempC_SHT: int16(bytes, 0) / 100, Hum_SHT: uint16(bytes, 2) / 10, TempC_DS: int16(bytes, 4) / 100, Ext: bytes[6], Systimestamp: uint32(bytes, 7) },
  };
}

/** 327.67 °C stands for a probe that is not there. */
function normalizeUplink(input) {
  var from = input.data;
  var data = {};
  if (from.TempC_SHT !== undefined) data.temperature = from.TempC_SHT;
  if (from.Hum_SHT !== undefined) data.humidity = from.Hum_SHT;
  if (from.TempC_DS !== undefined && from.TempC_DS !== 327.67) data.external_temperature = from.TempC_DS;
  if (from.Bat_mV !== undefined) data.battery = from.Bat_mV / 1000;
  return { data: data };
}
