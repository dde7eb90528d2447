import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { readSettings } from '../src/settings.js';
import { start } from '../src/server.js';

export const ADMIN = { id: 'allmende-identity', secret: 'admin-secret-of-the-tests' };
export const OPERATOR = { id: 'operator', secret: 'operator-secret-of-the-tests' };

/** A provider on a free port with a data directory of its own; both are gone after the test. */
export async function installation(test, environment = {}) {
  const data = mkdtempSync(path.join(tmpdir(), 'identity-provider-'));
  const settings = readSettings({
    ISSUER: 'https://daten.example/realms/allmende',
    PORT: '0',
    DATA: data,
    ADMIN_CLIENT_ID: ADMIN.id,
    ADMIN_CLIENT_SECRET: ADMIN.secret,
    OPERATOR_CLIENT_ID: OPERATOR.id,
    OPERATOR_CLIENT_SECRET: OPERATOR.secret,
    ...environment,
  });
  let server = await start(settings);
  test.after(async () => {
    await server.close();
    rmSync(data, { recursive: true });
  });

  const base = () => `http://127.0.0.1:${server.port}`;
  const realm = () => `${base()}/realms/allmende`;
  return {
    data,
    get realm() { return realm(); },
    async restart() {
      await server.close();
      server = await start(settings);
    },
    token: async (client, parameters = {}) => fetch(`${realm()}/protocol/openid-connect/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...parameters }),
    }),
    async accessToken(client) {
      const answer = await this.token(client);
      if (answer.status !== 200) throw new Error(`no token for ${client.id}: ${await answer.text()}`);
      return (await answer.json()).access_token;
    },
    async admin(method, url, body, token) {
      return fetch(`${base()}/admin/realms/allmende${url}`, {
        method,
        headers: { authorization: `Bearer ${token ?? await this.accessToken(ADMIN)}`, 'content-type': 'application/json' },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    },
    certs: async () => (await (await fetch(`${realm()}/protocol/openid-connect/certs`)).json()).keys,
  };
}

export const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
export const headerOf = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url'));

export const hardCoded = (name, value) => ({
  name,
  protocol: 'openid-connect',
  protocolMapper: 'oidc-hardcoded-claim-mapper',
  config: { 'claim.name': name, 'claim.value': value, 'jsonType.label': 'String', 'access.token.claim': 'true' },
});

const createdId = (answer) => answer.headers.get('location').split('/').at(-1);

/** What Identity does for one role of a municipality, by the API alone. @returns the client's id, secret and uuid */
export async function onboardClient(place, { id, role, municipality }) {
  let resource = (await (await place.admin('GET', '/clients?clientId=allmende')).json())[0]?.id;
  if (!resource) {
    resource = createdId(await place.admin('POST', '/clients', { clientId: 'allmende' }));
    await place.admin('POST', `/clients/${resource}/roles`, { name: 'admin' });
    await place.admin('POST', `/clients/${resource}/roles`, { name: 'analyst' });
  }
  const secret = `secret-of-${id}-0123456789`;
  const uuid = createdId(await place.admin('POST', '/clients', {
    clientId: id, secret, serviceAccountsEnabled: true, protocolMappers: [hardCoded('municipality', municipality)],
  }));
  const user = await (await place.admin('GET', `/clients/${uuid}/service-account-user`)).json();
  const mapped = await (await place.admin('GET', `/clients/${resource}/roles/${role}`)).json();
  await place.admin('POST', `/users/${user.id}/role-mappings/clients/${resource}`, [mapped]);
  return { id, secret, uuid, resource, user: user.id };
}
