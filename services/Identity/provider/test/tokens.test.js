import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createRemoteJWKSet, jwtVerify } from 'jose';

import { ADMIN, OPERATOR, claimsOf, headerOf, installation, onboardClient } from './installation.js';

test('A role of a municipality gets a token with the claims of docs/architecture.md', async (t) => {
  const place = await installation(t);
  const client = await onboardClient(place, { id: 'musterstadt-analyst', role: 'analyst', municipality: 'musterstadt' });

  const token = await place.accessToken(client);
  const { payload, protectedHeader } = await jwtVerify(token, createRemoteJWKSet(new URL(`${place.realm}/protocol/openid-connect/certs`)), {
    issuer: 'https://daten.example/realms/allmende', audience: 'allmende',
  });

  assert.equal(protectedHeader.alg, 'RS256');
  assert.equal(protectedHeader.typ, 'at+jwt');
  assert.equal(payload.azp, 'musterstadt-analyst');
  assert.equal(payload.municipality, 'musterstadt');
  assert.equal(payload.aud, 'allmende');
  assert.deepEqual(payload.resource_access, { allmende: { roles: ['analyst'] } });
  assert.equal(payload.realm_access, undefined);
  assert.equal(payload.exp - payload.iat, 300);
});

test('The operator is a realm role, of no municipality', async (t) => {
  const place = await installation(t);
  const claims = claimsOf(await place.accessToken(OPERATOR));
  assert.deepEqual(claims.realm_access, { roles: ['operator'] });
  assert.equal(claims.municipality, undefined);
  assert.equal(claims.resource_access, undefined);
});

test('The administration\'s token is of no use at the platform', async (t) => {
  const place = await installation(t);
  assert.equal(claimsOf(await place.accessToken(ADMIN)).aud, 'realm-management');
});

test('Wrong credentials, foreign grants and foreign audiences are refused', async (t) => {
  const place = await installation(t);
  assert.equal((await place.token({ ...OPERATOR, secret: 'x' })).status, 401);
  assert.equal((await place.token({ id: 'nobody', secret: OPERATOR.secret })).status, 401);
  assert.equal((await place.token(OPERATOR, { grant_type: 'password', username: 'a', password: 'b' })).status, 400);
  assert.equal((await place.token(OPERATOR, { resource: 'urn:else:where' })).status, 400);
});

test('A disabled client gets no token, an enabled one does again', async (t) => {
  const place = await installation(t);
  const client = await onboardClient(place, { id: 'm-admin', role: 'admin', municipality: 'm' });
  await place.admin('PUT', `/clients/${client.uuid}`, { enabled: false });
  assert.equal((await place.token(client)).status, 401);
  await place.admin('PUT', `/clients/${client.uuid}`, { enabled: true });
  assert.equal(claimsOf(await place.accessToken(client)).municipality, 'm');
});

test('Discovery names public addresses through the gateway and its own directly, and always the same issuer', async (t) => {
  const place = await installation(t);
  const address = `${place.realm}/.well-known/openid-configuration`;
  const direct = await (await fetch(address)).json();
  const public_ = await (await fetch(address, { headers: { 'x-forwarded-host': 'evil.example' } })).json();
  assert.equal(direct.issuer, 'https://daten.example/realms/allmende');
  assert.equal(public_.issuer, direct.issuer);
  assert.equal(direct.jwks_uri, `${place.realm}/protocol/openid-connect/certs`);
  assert.equal(public_.token_endpoint, 'https://daten.example/realms/allmende/protocol/openid-connect/token');
});

test('After a rotation the new key signs and the old still verifies', async (t) => {
  const place = await installation(t);
  const before = await place.accessToken(OPERATOR);
  const rotated = await place.admin('POST', '/components', { name: 'next', providerId: 'rsa-generated', providerType: 'org.keycloak.keys.KeyProvider' });
  assert.equal(rotated.status, 201);

  const after = await place.accessToken(OPERATOR);
  assert.notEqual(headerOf(after).kid, headerOf(before).kid);
  const kids = (await place.certs()).map(({ kid }) => kid);
  assert.deepEqual(kids, [headerOf(after).kid, headerOf(before).kid]);
  assert.equal((await place.admin('GET', '/clients', undefined, await place.accessToken(ADMIN))).status, 200);

  const { keys, active } = await (await place.admin('GET', '/keys')).json();
  assert.equal(active.RS256, headerOf(after).kid);
  assert.deepEqual(keys.map(({ status }) => status), ['ACTIVE', 'PASSIVE']);
});

test('No private part of a key leaves the process', async (t) => {
  const place = await installation(t);
  for (const key of await place.certs()) {
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi']) assert.equal(key[secret], undefined);
  }
});
