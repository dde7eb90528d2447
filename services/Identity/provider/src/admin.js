import { createLocalJWKSet, jwtVerify } from 'jose';

import { Conflict, Forbidden, Invalid, NotFound } from './clientStore.js';

/**
 * The subset of Keycloak's Admin REST API that Identity uses, with Keycloak's paths, bodies and answers.
 * Left out on purpose: users, groups, realms, client scopes, default roles, and every field that no token of ours
 * depends on. Different on purpose: a secret is answered only by the call that makes it, since only its hash is kept.
 *
 * | call, below /admin/realms/{realm} | role of realm-management | does |
 * |---|---|---|
 * | GET /clients?clientId=&search=&first=&max= | manage-clients | lists |
 * | POST /clients; GET, PUT, DELETE /clients/{uuid} | manage-clients | a client |
 * | POST /clients/{uuid}/client-secret | manage-clients | a new secret |
 * | GET /clients/{uuid}/service-account-user | manage-clients | the user that carries its roles |
 * | GET, POST /clients/{uuid}/roles; GET /clients/{uuid}/roles/{name} | manage-clients | client roles |
 * | GET, POST, DELETE /users/{id}/role-mappings/clients/{uuid} | manage-users | roles of a service account |
 * | GET /keys | manage-realm | signing keys |
 * | POST /components of type org.keycloak.keys.KeyProvider | manage-realm | a new key signs |
 */
export class AdminApi {
  #realm;
  #issuer;
  #clients;
  #keys;
  #rotate;

  constructor({ settings, clients, keys, rotate }) {
    this.#realm = settings.realm;
    this.#issuer = settings.issuer;
    this.#clients = clients;
    this.#keys = keys;
    this.#rotate = rotate;
  }

  /** @returns {Promise<{ status: number, body?: unknown, location?: string }>} */
  async handle(request) {
    try {
      const granted = await this.#roles(request.authorization);
      if (!granted) return { status: 401, body: { error: 'HTTP 401 Unauthorized' } };
      const fitting = this.#fitting(request.path);
      if (!fitting.length) throw new NotFound('Unable to find matching target resource method');
      const route = fitting.find(({ method }) => method === request.method);
      if (!route) return { status: 405, body: { error: 'HTTP 405 Method Not Allowed' } };
      if (!granted.includes(route.role)) return { status: 403, body: { error: 'HTTP 403 Forbidden' } };
      const answer = await this[route.act](request, ...route.segments);
      return { status: answer === undefined ? 204 : 200, body: answer, ...answer?.[ANSWER] };
    } catch (error) {
      return refusal(error);
    }
  }

  /** The routes of this path, whatever their method, with the path's variable segments. */
  #fitting(path) {
    const below = `/admin/realms/${this.#realm}`;
    if (!path.startsWith(`${below}/`)) return [];
    return ROUTES.flatMap((route) => {
      const match = route.path.exec(path.slice(below.length));
      return match ? [{ ...route, segments: match.slice(1) }] : [];
    });
  }

  /** Roles that the bearer holds for the administration, or undefined for a token that is not ours. */
  async #roles(authorization) {
    const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
    if (!token) return undefined;
    try {
      const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: this.#keys.publicJwks }), {
        issuer: this.#issuer, algorithms: ['RS256'], typ: 'at+jwt', requiredClaims: ['exp', 'azp'],
      });
      // A client that was removed or disabled loses its power now, not when its token expires.
      return this.#clients.findByClientId(payload.azp)?.enabled ? payload.resource_access?.['realm-management']?.roles ?? [] : undefined;
    } catch {
      return undefined;
    }
  }

  listClients({ query }) {
    const wanted = query.get('clientId');
    const fits = !wanted ? () => true : query.get('search') === 'true'
      ? ({ clientId }) => clientId.includes(wanted)
      : ({ clientId }) => clientId === wanted;
    const first = Number(query.get('first') ?? 0);
    const most = Number(query.get('max') ?? Infinity);
    return this.#clients.list().filter(fits).slice(first, first + most).map(clientRepresentation);
  }

  createClient({ body }) {
    return created(`/clients/${this.#clients.create(body).id}`);
  }

  getClient(_request, id) {
    return clientRepresentation(this.#clients.get(id));
  }

  updateClient({ body }, id) {
    this.#clients.update(id, body);
  }

  deleteClient(_request, id) {
    this.#clients.remove(id);
  }

  regenerateSecret(_request, id) {
    return { type: 'secret', value: this.#clients.regenerateSecret(id) };
  }

  serviceAccountUser(_request, id) {
    const { clientId, serviceAccountsEnabled, serviceAccount } = this.#clients.get(id);
    if (!serviceAccountsEnabled) throw new Invalid(`Service account not enabled for the client '${clientId}'`);
    return { id: serviceAccount.id, username: `service-account-${clientId}`, enabled: true, serviceAccountClientId: clientId };
  }

  listRoles(_request, id) {
    return this.#clients.get(id).roles.map((role) => roleRepresentation(id, role));
  }

  createRole({ body }, id) {
    return created(`/clients/${id}/roles/${this.#clients.addRole(id, body).name}`);
  }

  getRole(_request, id, name) {
    return roleRepresentation(id, this.#clients.role(id, name));
  }

  listMappedRoles(_request, userId, id) {
    const names = this.#clients.ofServiceAccount(userId).serviceAccount.clientRoles[id] ?? [];
    return names.map((name) => roleRepresentation(id, this.#clients.role(id, name)));
  }

  mapRoles({ body }, userId, id) {
    this.#clients.mapRoles(userId, id, (held) => [...held, ...names(body)]);
  }

  unmapRoles({ body }, userId, id) {
    const gone = body === undefined ? undefined : names(body);
    this.#clients.mapRoles(userId, id, (held) => held.filter((name) => gone && !gone.includes(name)));
  }

  listKeys() {
    const keys = this.#keys.metadata;
    return { active: { [keys[0].algorithm]: keys[0].kid }, keys };
  }

  async createComponent({ body }) {
    if (body.providerType !== 'org.keycloak.keys.KeyProvider' || body.providerId !== 'rsa-generated') {
      throw new Invalid('only a KeyProvider rsa-generated can be added');
    }
    const { providerId } = await this.#rotate();
    return created(`/components/${providerId}`);
  }
}

const ANSWER = Symbol('status and location of an answer');
const UUID = '([0-9a-f-]{36})';

const ROUTES = [
  route('GET', '/clients', 'manage-clients', 'listClients'),
  route('POST', '/clients', 'manage-clients', 'createClient'),
  route('GET', `/clients/${UUID}`, 'manage-clients', 'getClient'),
  route('PUT', `/clients/${UUID}`, 'manage-clients', 'updateClient'),
  route('DELETE', `/clients/${UUID}`, 'manage-clients', 'deleteClient'),
  route('POST', `/clients/${UUID}/client-secret`, 'manage-clients', 'regenerateSecret'),
  route('GET', `/clients/${UUID}/service-account-user`, 'manage-clients', 'serviceAccountUser'),
  route('GET', `/clients/${UUID}/roles`, 'manage-clients', 'listRoles'),
  route('POST', `/clients/${UUID}/roles`, 'manage-clients', 'createRole'),
  route('GET', `/clients/${UUID}/roles/([A-Za-z0-9._-]+)`, 'manage-clients', 'getRole'),
  route('GET', `/users/${UUID}/role-mappings/clients/${UUID}`, 'manage-users', 'listMappedRoles'),
  route('POST', `/users/${UUID}/role-mappings/clients/${UUID}`, 'manage-users', 'mapRoles'),
  route('DELETE', `/users/${UUID}/role-mappings/clients/${UUID}`, 'manage-users', 'unmapRoles'),
  route('GET', '/keys', 'manage-realm', 'listKeys'),
  route('POST', '/components', 'manage-realm', 'createComponent'),
];

function route(method, path, role, act) {
  return { method, path: new RegExp(`^${path}$`), role, act };
}

/** An empty answer that only says where the new thing is. */
function created(location) {
  return { [ANSWER]: { status: 201, body: undefined, location } };
}

function names(roles) {
  if (!Array.isArray(roles)) throw new Invalid('a list of roles is expected');
  return roles.map(({ name }) => name);
}

function clientRepresentation({ id, clientId, name, description, enabled, serviceAccountsEnabled, attributes, protocolMappers }) {
  return {
    id,
    clientId,
    name,
    description,
    enabled,
    serviceAccountsEnabled,
    attributes,
    protocolMappers,
    protocol: 'openid-connect',
    clientAuthenticatorType: 'client-secret',
    publicClient: false,
    standardFlowEnabled: false,
    implicitFlowEnabled: false,
    directAccessGrantsEnabled: false,
  };
}

const roleRepresentation = (containerId, role) => ({ ...role, composite: false, clientRole: true, containerId });

function refusal(error) {
  if (error instanceof NotFound) return { status: 404, body: { error: error.message } };
  if (error instanceof Conflict) return { status: 409, body: { errorMessage: error.message } };
  if (error instanceof Invalid) return { status: 400, body: { errorMessage: error.message } };
  if (error instanceof Forbidden) return { status: 403, body: { errorMessage: error.message } };
  throw error;
}
