import assert from 'node:assert/strict';
import { test } from 'node:test';

import { KeyRing } from '../src/keyRing.js';
import { SettingsError, readSettings } from '../src/settings.js';

const DAY = 86_400_000;

/** A file in memory and a clock that the test turns. */
async function ringAt(state) {
  const file = { read: () => state.content, write: (content) => { state.content = content; } };
  return KeyRing.open({ file, tokenLifetimeSeconds: 300, now: () => state.now });
}

const kids = (ring) => ring.publicJwks.map(({ kid }) => kid);

test('A signing key is replaced when it is old, not before', async () => {
  const state = { now: 0 };
  const ring = await ringAt(state);
  const [first] = kids(ring);
  state.now = 90 * DAY - 1;
  assert.equal(await ring.maintain(90), false);
  state.now = 90 * DAY;
  assert.equal(await ring.maintain(90), true);
  assert.equal(kids(ring).length, 2);
  assert.equal(kids(ring)[1], first);
});

test('A replaced key is forgotten once its tokens have expired, even when nothing ran meanwhile', async () => {
  const state = { now: 0 };
  const ring = await ringAt(state);
  await ring.rotate();
  state.now = 599_999;
  assert.equal(await ring.maintain(90), false);
  assert.equal(kids(await ringAt(state)).length, 2);
  state.now = 600_000;
  assert.equal(kids(await ringAt(state)).length, 1);
});

test('A key that cannot be kept does not sign', async () => {
  const state = { now: 0 };
  const ring = await ringAt(state);
  const before = kids(ring);
  Object.freeze(state);
  await assert.rejects(ring.rotate());
  assert.deepEqual(kids(ring), before);
});

test('All faults of the environment are told at once', () => {
  assert.throws(() => readSettings({ PORT: 'x', ISSUER: 'ftp://a' }), (error) => {
    assert.ok(error instanceof SettingsError);
    for (const name of ['DATA', 'PORT', 'ISSUER', 'ADMIN_CLIENT_ID', 'OPERATOR_CLIENT_SECRET']) assert.match(error.message, new RegExp(name));
    return true;
  });
});
