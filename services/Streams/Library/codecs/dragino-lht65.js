// uses shared/dragino.js
// Dragino LHT65: temperature and humidity, with one of several sensors outside.

function hex(bytes) {
  return bytes.map(function (byte) { return ('0' + byte.toString(16)).slice(-2) + ' '; }).join('');
}

/** What is plugged in, by the low half of byte 6: reads bytes 7 to 10 into `data`. */
var external = {
  0: function (data) { data.Ext_sensor = 'No external sensor'; },
  1: function (data, bytes) {
    data.Ext_sensor = 'Temperature Sensor';
    data.TempC_DS = int16(bytes, 7) / 100;
  },
  4: function (data, bytes) {
    data.Work_mode = 'Interrupt Sensor send';
    data.Exti_pin_level = bytes[7] ? 'High' : 'Low';
    data.Exti_status = bytes[8] ? 'True' : 'False';
  },
  5: function (data, bytes) {
    data.Work_mode = 'Illumination Sensor';
    data.ILL_lx = uint16(bytes, 7);
  },
  6: function (data, bytes) {
    data.Work_mode = 'ADC Sensor';
    data.ADC_V = uint16(bytes, 7) / 1000;
  },
  7: function (data, bytes) {
    data.Work_mode = 'Interrupt Sensor count';
    data.Exit_count = uint16(bytes, 7);
  },
  8: function (data, bytes) {
    data.Work_mode = 'Interrupt Sensor count';
    data.Exit_count = uint32(bytes, 7);
  },
  9: function (data, bytes) {
    data.Work_mode = 'DS18B20 & timestamp';
    data.Systimestamp = uint32(bytes, 7);
  },
  15: function (data, bytes) {
    data.Work_mode = 'DS18B20ID';
    data.ID = hex(bytes.slice(2, 6).concat(bytes.slice(7, 11)));
  },
};

function decodeUplink(input) {
  var bytes = input.bytes;
  if (input.fPort !== 2) return { errors: ['unknown port ' + input.fPort] };
  if (bytes.length !== 11) return { errors: ['a message has 11 bytes'] };
  if (bytes[6] & 0x40) return { errors: ['a record of the device\'s memory, which is not read'] };

  var mode = bytes[6] & 0x0f;
  var data = {};
  if (mode === 9) {
    data.TempC_DS = int16(bytes, 0) / 100;
    data.Bat_status = bytes[4] >> 6;
  } else {
    data.BatV = volts(bytes);
    data.Bat_status = bytes[0] >> 6;
  }
  if (mode !== 15) {
    data.TempC_SHT = int16(bytes, 2) / 100;
    data.Hum_SHT = (uint16(bytes, 4) & 0x0fff) / 10;
  }
  if (bytes[6] & 0x80) data.No_connect = 'Sensor no connection';
  if (external[mode]) external[mode](data, bytes);
  return { data: data };
}
