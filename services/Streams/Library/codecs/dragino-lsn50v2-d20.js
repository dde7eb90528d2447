// uses shared/dragino.js
// Dragino LSN50v2: temperature probe, analogue and digital input, with an SHT sensor for air where one is plugged in. Only the mode with it is read.

function decodeUplink(input) {
  var bytes = input.bytes;
  if (input.fPort !== 2) return { errors: ['unknown port ' + input.fPort] };
  if (bytes.length !== 11) return { errors: ['a message has 11 bytes'] };
  var mode = (bytes[6] >> 2) & 0x1f;
  if (mode !== 0) return { errors: ['work mode ' + mode + ' is not read'] };
  return {
    data: {
      Work_mode: 'IIC',
      BatV: uint16(bytes, 0) / 1000,
      TempC1: int16(bytes, 2) / 10,
      ADC_CH0V: uint16(bytes, 4) / 1000,
      Digital_IStatus: bytes[6] & 0x02 ? 'H' : 'L',
      EXTI_Trigger: bytes[6] & 0x01 ? 'TRUE' : 'FALSE',
      Door_status: bytes[6] & 0x80 ? 'CLOSE' : 'OPEN',
      TempC_SHT: int16(bytes, 7) / 10,
      Hum_SHT: uint16(bytes, 9) / 10,
    },
  };
}
