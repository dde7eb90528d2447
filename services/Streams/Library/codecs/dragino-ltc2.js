// uses shared/dragino.js
// Dragino LTC2: transmitter for two temperature probes (PT100).

/** By the kind of reading: the name before the channel's number, and what a unit of the message is worth. */
var readings = { 1: ['Temp_Channel', 100], 2: ['Temp_Channel', 10], 3: ['Res_Channel', 100] };

function decodeUplink(input) {
  var bytes = input.bytes;
  if (input.fPort !== 2) return { errors: ['unknown port ' + input.fPort] };
  if (bytes.length !== 11) return { errors: ['a message has 11 bytes'] };
  var reading = readings[bytes[2] & 0x0f];
  if (!reading) return { errors: ['unknown kind of reading ' + (bytes[2] & 0x0f)] };
  var data = { BatV: volts(bytes), Ext: bytes[2] & 0x0f };
  for (var channel = 1; channel <= 2; channel++) {
    var at = 1 + 2 * channel;
    data[reading[0] + channel] = (reading[0] === 'Res_Channel' ? uint16(bytes, at) : int16(bytes, at)) / reading[1];
  }
  data.Systimestamp = uint32(bytes, 7);
  return { data: data };
}
