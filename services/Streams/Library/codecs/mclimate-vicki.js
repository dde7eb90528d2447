// MClimate Vicki: radiator valve. A periodic message, alone or at the end of the answer to commands.

function rounded(number) {
  return Number(number.toFixed(2));
}

function periodic(b) {
  var range = ((b[6] & 0x0f) << 8) | b[5];
  var position = ((b[6] >> 4) << 8) | b[4];
  return {
    reason: b[0],
    targetTemperature: b[1],
    targetTemperatureFloat: b[1],
    // newer firmware spreads the temperature over another range
    sensorTemperature: rounded(b[0] === 0x81 ? (b[2] - 28.33333) / 5.66666 : (b[2] * 165) / 256 - 40),
    relativeHumidity: rounded((b[3] * 100) / 256),
    motorRange: range,
    motorPosition: position,
    valveOpenness: range === 0 ? 0 : Math.round((1 - position / range) * 100),
    batteryVoltage: rounded(2 + (b[7] >> 4) / 10),
    openWindow: (b[7] & 0x08) !== 0,
    highMotorConsumption: (b[7] & 0x04) !== 0,
    lowMotorConsumption: (b[7] & 0x02) !== 0,
    brokenSensor: (b[7] & 0x01) !== 0,
    childLock: (b[8] & 0x80) !== 0,
    calibrationFailed: (b[8] & 0x40) !== 0,
    attachedBackplate: (b[8] & 0x20) !== 0,
    perceiveAsOnline: (b[8] & 0x10) !== 0,
    antiFreezeProtection: (b[8] & 0x08) !== 0,
  };
}

function decodeUplink(input) {
  var bytes = input.bytes;
  if (bytes.length < 9) return { errors: ['a periodic message has 9 bytes'] };
  if (bytes[0] === 0x01 || bytes[0] === 0x81) return { data: periodic(bytes) };
  var last = bytes.slice(-9);
  if (last[0] !== 0x01 && last[0] !== 0x81) return { errors: ['no periodic message'] };
  return { data: periodic(last), warnings: ['the answer to a command before the measurement is not read'] };
}

/** By name: the command's byte, and the least and the greatest value; one without values is given as true. */
var commands = {
  targetTemperature: [0x0e, 5, 30],
  keepAliveTime: [0x02, 1, 255],
  recalibrateMotor: [0x03],
};

/** `{"targetTemperature": °C}`, `{"keepAliveTime": minutes}`, `{"childLock": true}`, `{"recalibrateMotor": true}`, several at once if wanted. */
function encodeDownlink(input) {
  var bytes = [];
  var errors = [];
  Object.keys(input.data).forEach(function (name) {
    var value = input.data[name];
    var command = commands[name];
    if (name === 'childLock' && typeof value === 'boolean') bytes.push(0x07, value ? 1 : 0);
    else if (command && command.length === 1 && value === true) bytes.push(command[0]);
    else if (command && command.length === 3 && value >= command[1] && value <= command[2] && value % 1 === 0) bytes.push(command[0], value);
    else errors.push(name + (command && command.length === 3 ? ' must be a whole number from ' + command[1] + ' to ' + command[2] : ' is no command, or not with this value'));
  });
  if (bytes.length === 0 && errors.length === 0) errors.push('there is no command');
  return errors.length ? { errors: errors } : { fPort: 1, bytes: bytes };
}

function decodeDownlink(input) {
  var data = {};
  for (var at = 0; at < input.bytes.length; ) {
    var code = input.bytes[at++];
    var name = Object.keys(commands).filter(function (key) { return commands[key][0] === code; })[0];
    if (code === 0x07) data.childLock = input.bytes[at++] === 1;
    else if (!name) return { errors: ['unknown command ' + code] };
    else data[name] = commands[name].length === 1 ? true : input.bytes[at++];
  }
  return { data: data };
}
