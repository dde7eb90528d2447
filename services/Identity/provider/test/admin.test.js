import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { ADMIN, OPERATOR, claimsOf, hardCoded, installation, onboardClient } from './installation.js';

test('Only the administration\'s token opens the API', async (t) => {
  const place = await installation(t);
  assert.equal((await place.admin('GET', '/clients', undefined, 'x.y.z')).status, 401);
  assert.equal((await place.admin('GET', '/clients', undefined, await place.accessToken(OPERATOR))).status, 403);
  const client = await onboardClient(place, { id: 'm-admin', role: 'admin', municipality: 'm' });
  assert.equal((await place.admin('POST', '/clients', { clientId: 'mine' }, await place.accessToken(client))).status, 403);
  const [head, , signature] = (await place.accessToken(ADMIN)).split('.');
  const forged = Buffer.from(JSON.stringify({ ...claimsOf(await place.accessToken(ADMIN)), exp: 9e9 })).toString('base64url');
  assert.equal((await place.admin('GET', '/clients', undefined, `${head}.${forged}.${signature}`)).status, 401);
});

test('A client is created, found, changed and removed, as in Keycloak', async (t) => {
  const place = await installation(t);
  const created = await place.admin('POST', '/clients', { clientId: 'm-admin', serviceAccountsEnabled: true });
  assert.equal(created.status, 201);
  const uuid = created.headers.get('location').split('/').at(-1);

  assert.equal((await place.admin('POST', '/clients', { clientId: 'm-admin' })).status, 409);
  const found = await (await place.admin('GET', '/clients?clientId=m-admin')).json();
  assert.deepEqual(found.map(({ id, clientId }) => [id, clientId]), [[uuid, 'm-admin']]);
  assert.deepEqual(await (await place.admin('GET', '/clients?clientId=m-adm')).json(), []);
  assert.equal((await (await place.admin('GET', '/clients?clientId=m-adm&search=true')).json()).length, 1);

  assert.equal((await place.admin('PUT', `/clients/${uuid}`, { name: 'Verwaltung' })).status, 204);
  assert.equal((await (await place.admin('GET', `/clients/${uuid}`)).json()).name, 'Verwaltung');
  assert.equal((await place.admin('DELETE', `/clients/${uuid}`)).status, 204);
  assert.equal((await place.admin('GET', `/clients/${uuid}`)).status, 404);
});

test('A new secret voids the old one', async (t) => {
  const place = await installation(t);
  const client = await onboardClient(place, { id: 'm-admin', role: 'admin', municipality: 'm' });
  const { value } = await (await place.admin('POST', `/clients/${client.uuid}/client-secret`)).json();
  assert.equal((await place.token(client)).status, 401);
  assert.equal((await place.token({ ...client, secret: value })).status, 200);
});

test('A role that is taken away is gone from the next token', async (t) => {
  const place = await installation(t);
  const client = await onboardClient(place, { id: 'm-admin', role: 'admin', municipality: 'm' });
  const url = `/users/${client.user}/role-mappings/clients/${client.resource}`;
  await place.admin('POST', url, [{ name: 'analyst' }]);
  assert.deepEqual(claimsOf(await place.accessToken(client)).resource_access.allmende.roles, ['admin', 'analyst']);
  await place.admin('DELETE', url, [{ name: 'admin' }]);
  assert.deepEqual((await (await place.admin('GET', url)).json()).map(({ name }) => name), ['analyst']);
  assert.deepEqual(claimsOf(await place.accessToken(client)).resource_access.allmende.roles, ['analyst']);
  assert.equal((await place.admin('POST', url, [{ name: 'emperor' }])).status, 404);
});

test('A mapper cannot forge what the provider vouches for', async (t) => {
  const place = await installation(t);
  for (const claim of ['iss', 'azp', 'realm_access', 'resource_access']) {
    const answer = await place.admin('POST', '/clients', { clientId: 'forger', protocolMappers: [hardCoded(claim, 'x')] });
    assert.equal(answer.status, 400, claim);
  }
});

test('What the environment sets cannot be changed by the API', async (t) => {
  const place = await installation(t);
  const [{ id }] = await (await place.admin('GET', '/clients?clientId=operator')).json();
  assert.equal((await place.admin('DELETE', `/clients/${id}`)).status, 403);
  assert.equal((await place.admin('POST', `/clients/${id}/client-secret`)).status, 403);
});

test('Bad bodies and unknown paths are answered, not thrown', async (t) => {
  const place = await installation(t);
  for (const body of [{}, { clientId: 'a b' }, { clientId: 7 }, { clientId: 'x', secret: 'short' }, { clientId: 'x', protocolMappers: {} }]) {
    assert.equal((await place.admin('POST', '/clients', body)).status, 400, JSON.stringify(body));
  }
  assert.equal((await place.admin('POST', '/clients', { clientId: 'x', name: 'x'.repeat(300_000) })).status, 413);
  assert.equal((await place.admin('GET', '/users')).status, 404);
  assert.equal((await place.admin('PATCH', '/clients')).status, 405);
});

test('Clients, roles and keys survive a restart; files are private and hold no secret', async (t) => {
  const place = await installation(t);
  const client = await onboardClient(place, { id: 'm-admin', role: 'admin', municipality: 'm' });
  const [{ kid }] = await place.certs();
  await place.restart();
  assert.deepEqual(claimsOf(await place.accessToken(client)).resource_access.allmende.roles, ['admin']);
  assert.equal((await place.certs())[0].kid, kid);

  for (const file of readdirSync(place.data)) assert.equal(statSync(path.join(place.data, file)).mode & 0o777, 0o600, file);
  const kept = readFileSync(path.join(place.data, 'clients.json'), 'utf8');
  assert.ok(kept.includes('m-admin'));
  for (const { secret } of [client, ADMIN, OPERATOR]) assert.ok(!kept.includes(secret));
});

test('A damaged file stops the start and stays as it is', async (t) => {
  const place = await installation(t);
  const file = path.join(place.data, 'keys.json');
  const kept = readFileSync(file);
  writeFileSync(file, '{"keys":[');
  await assert.rejects(place.restart(), /keys\.json is damaged/);
  assert.equal(readFileSync(file, 'utf8'), '{"keys":[');
  writeFileSync(file, kept);
  await place.restart();
});
