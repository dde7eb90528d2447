import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import path from 'node:path';

import { AdminApi } from './admin.js';
import { ClientStore } from './clientStore.js';
import { JsonFile } from './jsonFile.js';
import { KeyRing } from './keyRing.js';
import { createProvider } from './provider.js';
import { hashSecret } from './secrets.js';

const BODY_LIMIT = 256 * 1024;
const MAINTENANCE_INTERVAL = 60_000;

/**
 * Opens the data directory and listens.
 *
 * @param {import('./settings.js').Settings} settings
 * @returns {Promise<{ port: number, close: () => Promise<void> }>}
 */
export async function start(settings) {
  const clients = new ClientStore({ file: new JsonFile(path.join(settings.data, 'clients.json')), fixed: fixedClients(settings) });
  const keys = await KeyRing.open({ file: new JsonFile(path.join(settings.data, 'keys.json')), tokenLifetimeSeconds: settings.tokenLifetimeSeconds });

  let openId;
  // oidc-provider reads its keys once, so another key set means another instance; it keeps no state that would be lost.
  const publishKeys = () => { openId = createProvider({ settings, keys, clients }).callback(); };
  publishKeys();
  const rotate = async () => {
    const key = await keys.rotate();
    publishKeys();
    return key;
  };
  const admin = new AdminApi({ settings, clients, keys, rotate });

  const server = createServer((request, response) => {
    const url = URL.parse(request.url, 'http://provider') ?? new URL('http://provider/');
    if (url.pathname.startsWith(`/realms/${settings.realm}/`)) {
      asClientSeesIt(request, settings);
      openId(request, response);
    } else if (url.pathname.startsWith('/admin/')) {
      administer(admin, settings, request, response, url);
    } else if (url.pathname === '/health/live' || url.pathname === '/health/ready') {
      send(response, 200, { status: 'UP' });
    } else {
      send(response, 404, { error: 'Unable to find matching target resource method' });
    }
  });
  server.requestTimeout = 30_000;
  server.headersTimeout = 10_000;

  const maintenance = setInterval(async () => {
    try {
      if (await keys.maintain(settings.keyRotationDays)) publishKeys();
    } catch (error) {
      console.error(`identity-provider: the signing keys could not be maintained: ${error.message}`);
    }
  }, MAINTENANCE_INTERVAL);
  maintenance.unref();

  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(settings.port, settings.host, resolve);
  });
  return {
    port: server.address().port,
    close: () => new Promise((resolve) => {
      clearInterval(maintenance);
      server.close(resolve);
      server.closeIdleConnections();
    }),
  };
}

/** The clients that the installer sets. Their ids follow from their names, so that `sub` stays the same for good. */
function fixedClients({ admin, operator }) {
  const fixed = ({ clientId, secret }, extra) => ({
    id: uuidOf(`client ${clientId}`),
    clientId,
    secretHash: hashSecret(secret),
    enabled: true,
    serviceAccountsEnabled: true,
    attributes: {},
    protocolMappers: [],
    roles: [],
    serviceAccount: { id: uuidOf(`service account ${clientId}`), clientRoles: {} },
    ...extra,
  });
  return [
    fixed(admin, {
      audiences: ['realm-management'],
      builtInRoles: { 'realm-management': { roles: ['manage-clients', 'manage-users', 'manage-realm'] } },
    }),
    fixed(operator, { audiences: ['allmende'], realmRoles: ['operator'] }),
  ];
}

function uuidOf(name) {
  const hex = createHash('sha256').update(name).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-');
}

/**
 * Addresses in the discovery document follow the way the caller came, as Keycloak's dynamic back channel does: through
 * the gateway they are the public ones, directly they are ours, so that services start before the gateway does.
 */
function asClientSeesIt(request, { issuer, realm }) {
  const rest = request.url.slice(`/realms/${realm}`.length);
  if (request.headers['x-forwarded-host']) {
    const { protocol, host, pathname } = new URL(issuer);
    request.headers['x-forwarded-host'] = host;
    request.headers['x-forwarded-proto'] = protocol.slice(0, -1);
    request.originalUrl = pathname + rest;
  } else {
    delete request.headers['x-forwarded-proto'];
    request.originalUrl = request.url;
  }
  request.url = rest;
}

async function administer(admin, settings, request, response, url) {
  try {
    const answer = await admin.handle({
      method: request.method,
      path: url.pathname,
      query: url.searchParams,
      authorization: request.headers.authorization,
      body: await readJson(request),
    });
    const location = answer.location && `http://${request.headers.host}/admin/realms/${settings.realm}${answer.location}`;
    send(response, answer.status, answer.body, location ? { location } : {});
  } catch (error) {
    if (error instanceof BadBody) {
      send(response, error.status, { error: error.message });
    } else {
      console.error(`identity-provider: ${request.method} ${url.pathname} failed: ${error.message}`);
      send(response, 500, { error: 'unknown_error' });
    }
  }
}

class BadBody extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function readJson(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > BODY_LIMIT) throw new BadBody(413, 'the body is too large');
    parts.push(part);
  }
  if (!size) return request.method === 'POST' || request.method === 'PUT' ? {} : undefined;
  let body;
  try {
    body = JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    throw new BadBody(400, 'the body is not JSON');
  }
  if (body === null || typeof body !== 'object') throw new BadBody(400, 'the body must be an object or a list');
  return body;
}

function send(response, status, body, headers = {}) {
  const text = body === undefined ? '' : JSON.stringify(body);
  response.writeHead(status, { ...headers, 'cache-control': 'no-store', ...(text ? { 'content-type': 'application/json' } : {}) });
  response.end(text);
}
