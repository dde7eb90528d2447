// Decentlab's protocol, version 2, all numbers big-endian: version (1 byte), device id (2), flags (2), then for each flag that is set,
// from the lowest on, that sensor group's 16-bit words. A codec that builds on this lists its groups from flag 0 on:
// { words: how many, values: [[name, display name, unit, function of the words], …] }. What is not measured in a message is left out.

function word(bytes, at) {
  return (bytes[at] << 8) | bytes[at + 1];
}

/** A word that the device offsets by 2^15, so that it can be negative. */
function signed(raw) {
  return raw - 32768;
}

function readGroups(bytes, groups, unitlessHaveNull) {
  if (bytes[0] !== 2) return { errors: ['protocol version ' + bytes[0] + ' is not 2'] };
  var data = { protocol_version: bytes[0], device_id: word(bytes, 1) };
  var flags = word(bytes, 3);
  var at = 5;
  for (var g = 0; g < groups.length; g++) {
    if (!((flags >> g) & 1)) continue;
    var words = [];
    for (var w = 0; w < groups[g].words; w++, at += 2) {
      if (at + 1 >= bytes.length) return { errors: ['the message ends within group ' + g] };
      words.push(word(bytes, at));
    }
    groups[g].values.forEach(function (value) {
      var entry = { displayName: value[1], value: value[3](words) };
      if (value[2] !== null || unitlessHaveNull) entry.unit = value[2];
      data[value[0]] = entry;
    });
  }
  return { data: data };
}

/** Each quantity as a plain number under its own name. */
function normalizeUplink(input) {
  var data = {};
  Object.keys(input.data).forEach(function (name) {
    var entry = input.data[name];
    if (entry !== null && typeof entry === 'object') data[name] = entry.value;
  });
  return { data: data };
}
