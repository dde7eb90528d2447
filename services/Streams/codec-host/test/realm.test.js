import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Codec, LibraryCodec } from '../realm.mjs';

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

const library = new URL('../../Library/', import.meta.url);

function libraryTexts() {
  const directory = new URL('codecs/', library);
  return readdirSync(directory).filter((name) => name.endsWith('.js')).map((file) => {
    const text = readFileSync(new URL(file, directory), 'utf8');
    const shared = /^\/\/ uses (.*)\n/.exec(text);
    return [file.slice(0, -3), shared ? readFileSync(new URL(shared[1], directory), 'utf8') + text : text];
  });
}

test('no codec of the library changes a built-in, so that all can share one world and answer there as they do alone', () => {
  for (const [id, text] of libraryTexts()) {
    const [alone, together] = [new Codec(text), new LibraryCodec(text)];
    const inputs = JSON.parse(readFileSync(new URL(`examples/${id}.json`, library), 'utf8')).filter((example) => !example.downlink)
      .map(({ fPort, bytes }) => JSON.stringify({ fPort, bytes: [...Buffer.from(bytes, 'hex')] }));
    inputs.push(JSON.stringify({ fPort: 2, bytes: [2, 0, 1, 0, 0, 2, 3, 4, 5, 6, 7] }));
    for (const input of inputs) {
      const answers = [1, 2, 3].map(() => alone.call('uplink', input));
      assert.deepEqual([...answers, together.call('uplink', input)], Array(4).fill(answers[0]), id);
    }
    assert.equal(alone.changesBuiltins, false, id);
  }
});

test('codecs of the library see nothing of one another', () => {
  const first = new LibraryCodec('function decodeUplink() { left = 1; Object.prototype.mine = 2; return { data: { seen: typeof left } } }');
  const second = new LibraryCodec('function decodeUplink() { return { data: { left: typeof left, mine: typeof ({}).mine } } }');
  assert.equal(first.call('uplink', uplink), 'R{"decoded":{"data":{"seen":"number"}}}');
  assert.equal(second.call('uplink', uplink), 'R{"decoded":{"data":{"left":"undefined","mine":"undefined"}}}');
});
