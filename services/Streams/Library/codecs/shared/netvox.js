// Netvox's format: version, kind of device, kind of report, then a battery and values at fixed places; big-endian. A codec that builds on
// this names its `devices` by number and reads values with `report(data, bytes)`; `changes` are the thresholds of its configuration:
// [name, how many bytes, what a unit is worth].

function uint16(bytes, at) {
  return (bytes[at] << 8) | bytes[at + 1];
}

function int16(bytes, at) {
  return (uint16(bytes, at) << 16) >> 16;
}

function readReport(input, devices, report, changes) {
  var bytes = input.bytes;
  if (bytes.length !== 11 || !devices[bytes[1]]) return { errors: ['a message has 11 bytes and names a known device'] };
  var data = { Device: devices[bytes[1]] };
  if (input.fPort === 6 && bytes[0] === 1 && bytes[2] === 0) {
    data.SWver = bytes[3] / 10;
    data.HWver = bytes[4];
    data.Datecode = bytes.slice(5, 9).map(function (byte) { return ('0' + byte.toString(16)).slice(-2); }).join('');
    return { data: data };
  }
  if (input.fPort === 6 && bytes[0] === 1 && bytes[2] === 1) {
    data.Volt = (bytes[3] & 0x7f) / 10;
    report(data, bytes);
    return bytes[3] & 0x80 ? { data: data, warnings: ['the battery is low'] } : { data: data };
  }
  if (input.fPort === 7 && bytes[0] === 0x81) {
    data.Cmd = 'ConfigReportRsp';
    data.Status = bytes[2] === 0 ? 'Success' : 'Failure';
    return { data: data };
  }
  if (input.fPort === 7 && bytes[0] === 0x82) return { data: Object.assign(data, { Cmd: 'ReadConfigReportRsp' }, readConfiguration(bytes, changes)) };
  return { errors: ['unknown port or message'] };
}

function readConfiguration(bytes, changes) {
  var data = { MinTime: uint16(bytes, 2), MaxTime: uint16(bytes, 4) };
  var at = 6;
  changes.forEach(function (change) {
    data[change[0]] = (change[1] === 1 ? bytes[at] : uint16(bytes, at)) / change[2];
    at += change[1];
  });
  return data;
}

/** `Cmd` ConfigReportReq with times in seconds and changes, or ReadConfigReportReq; `Device` where the codec knows several. */
function writeCommand(data, devices, changes) {
  var device = Object.keys(devices).filter(function (number) { return devices[number] === data.Device; })[0];
  if (device === undefined) return { errors: ['Device must be one of ' + Object.keys(devices).map(function (number) { return devices[number]; }).join(', ')] };
  if (data.Cmd !== 'ConfigReportReq' && data.Cmd !== 'ReadConfigReportReq') return { errors: ['Cmd must be ConfigReportReq or ReadConfigReportReq'] };
  var bytes = [data.Cmd === 'ConfigReportReq' ? 1 : 2, Number(device)];
  var errors = [];
  function put(name, length, unit) {
    var value = Math.round(data[name] * unit);
    if (!(value >= 0 && value < Math.pow(256, length))) errors.push(name + ' is not a number that fits');
    if (length === 2) bytes.push((value >> 8) & 0xff);
    bytes.push(value & 0xff);
  }
  if (bytes[0] === 1) {
    put('MinTime', 2, 1);
    put('MaxTime', 2, 1);
    changes.forEach(function (change) { put(change[0], change[1], change[2]); });
  }
  while (bytes.length < 11) bytes.push(0);
  return errors.length ? { errors: errors } : { fPort: 7, bytes: bytes };
}

function readCommand(bytes, devices, changes) {
  if (bytes.length !== 11 || !devices[bytes[1]]) return { errors: ['a command has 11 bytes and names a known device'] };
  if (bytes[0] === 1) return { data: Object.assign({ Cmd: 'ConfigReportReq', Device: devices[bytes[1]] }, readConfiguration(bytes, changes)) };
  if (bytes[0] === 2) return { data: { Cmd: 'ReadConfigReportReq', Device: devices[bytes[1]] } };
  return { errors: ['unknown command ' + bytes[0]] };
}
