import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Codec } from '../realm.mjs';

const uplink = JSON.stringify({ fPort: 1, bytes: [1, 2, 3, 4] });
const everything = `function decodeUplink(input) {
  var o = Object.assign({}, { a: 1 }), m = new Map([[1, 2]]), v = new DataView(new Uint8Array(input.bytes).buffer);
  return { data: {
    keys: Object.keys(o), max: Math.max(1, 2), text: String.fromCharCode(65), number: Number('1.5'), parsed: parseInt('7', 10), json: JSON.parse('[1]'),
    date: new Date(0).toISOString(), regex: /b+/.exec('abbc')[0], map: m.get(1), view: v.getUint16(0), set: new Set([1, 1]).size, nan: isNaN(NaN),
    sorted: [3, 1, 2].sort(), big: String(2n ** 40n), symbol: typeof Symbol.iterator, spread: [...'ab'], entries: Object.entries({ x: 1 })
  } };
}`;

test('a codec that changes no built-in shares a realm between its calls, and finds all it needs there', () => {
  const codec = new Codec(everything);
  const alone = codec.call('uplink', uplink);
  assert.equal(codec.changesBuiltins, false);
  assert.equal(alone[0], 'R');
  assert.equal(codec.call('uplink', uplink), alone);
  assert.equal(codec.changesBuiltins, false);
});

test('a codec that changes a built-in gets a realm for each call', () => {
  const codec = new Codec('Array.prototype.extra = 1; function decodeUplink() { return { data: { extra: [].extra } } }');
  for (let call = 0; call < 3; call++) assert.equal(codec.call('uplink', uplink), 'R{"decoded":{"data":{"extra":1}}}');
  assert.equal(codec.changesBuiltins, true);
});

test('all codecs of the library share their realms', () => {
  const directory = new URL('../../Library/codecs/', import.meta.url);
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.js'))) {
    let text = readFileSync(new URL(file, directory), 'utf8');
    const shared = /^\/\/ uses (.*)\n/.exec(text);
    if (shared) text = readFileSync(new URL(shared[1], directory), 'utf8') + text;
    const codec = new Codec(text);
    const answers = [1, 2, 3].map(() => codec.call('uplink', JSON.stringify({ fPort: 2, bytes: [2, 0, 1, 0, 0, 2, 3, 4, 5, 6, 7] })));
    assert.equal(new Set(answers).size, 1, file);
    assert.equal(codec.changesBuiltins, false, file);
  }
});
