import { randomUUID } from 'node:crypto';

import { hashSecret, newSecret } from './secrets.js';

export class NotFound extends Error {}
export class Conflict extends Error {}
export class Invalid extends Error {}
export class Forbidden extends Error {}

const CLIENT_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/;
const ROLE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
/** What a hard-coded claim must not touch: claims that the provider itself vouches for. */
const OWN_CLAIMS = new Set(['iss', 'sub', 'aud', 'exp', 'iat', 'nbf', 'jti', 'azp', 'client_id', 'realm_access', 'resource_access', 'scope', 'typ', 'cnf']);
const CLAIM_TYPES = new Set(['String', 'int', 'long', 'boolean']);
const MAPPERS = new Set(['oidc-hardcoded-claim-mapper', 'oidc-audience-mapper']);

/**
 * The clients of the realm, with their roles, mappers and service accounts. Clients that the environment sets
 * (`fixed`) exist in memory only and cannot be changed by the API; all others are in one file.
 */
export class ClientStore {
  #file;
  #clients = new Map();
  #byClientId = new Map();

  constructor({ file, fixed }) {
    this.#file = file;
    for (const client of file.read()?.clients ?? []) this.#add(client);
    for (const client of fixed) {
      // A client of the file that the environment now claims gives way: the environment is the installer's word.
      const other = this.#byClientId.get(client.clientId);
      if (other) this.#drop(other);
      this.#add({ ...client, fixed: true });
    }
  }

  list() {
    return [...this.#clients.values()];
  }

  findByClientId(clientId) {
    return this.#byClientId.get(clientId);
  }

  get(id) {
    return this.#clients.get(id) ?? fail(NotFound, 'Could not find client');
  }

  /** @returns the new client, and its secret if one was made for it */
  create(representation) {
    const { clientId } = representation;
    if (typeof clientId !== 'string' || !CLIENT_ID.test(clientId)) throw new Invalid('clientId must be letters, digits, dots, dashes or underscores');
    if (this.#byClientId.has(clientId)) throw new Conflict(`Client ${clientId} already exists`);
    const client = {
      id: randomUUID(),
      clientId,
      ...editable(representation),
      secretHash: hashSecret(representation.secret ?? newSecret()),
      roles: [],
      serviceAccount: { id: randomUUID(), clientRoles: {} },
    };
    this.#commit(() => this.#add(client));
    return client;
  }

  update(id, representation) {
    const client = this.#changeable(id);
    if (representation.clientId !== undefined && representation.clientId !== client.clientId) throw new Invalid('clientId cannot be changed');
    const changed = {
      ...client,
      ...editable({ ...client, ...representation }),
      ...(representation.secret === undefined ? {} : { secretHash: hashSecret(representation.secret) }),
    };
    this.#commit(() => this.#add(changed));
  }

  remove(id) {
    const client = this.#changeable(id);
    this.#commit(() => {
      this.#drop(client);
      for (const { serviceAccount } of this.#clients.values()) delete serviceAccount.clientRoles[id];
    });
  }

  /** @returns {string} the new secret; the old one is void at once */
  regenerateSecret(id) {
    const client = this.#changeable(id);
    const secret = newSecret();
    this.#commit(() => this.#add({ ...client, secretHash: hashSecret(secret) }));
    return secret;
  }

  addRole(id, { name, description }) {
    const client = this.#changeable(id);
    if (typeof name !== 'string' || !ROLE_NAME.test(name)) throw new Invalid('name must be letters, digits, dots, dashes or underscores');
    if (client.roles.some((role) => role.name === name)) throw new Conflict(`Role with name ${name} already exists`);
    const role = { id: randomUUID(), name, ...(description ? { description } : {}) };
    this.#commit(() => this.#add({ ...client, roles: [...client.roles, role] }));
    return role;
  }

  role(id, name) {
    return this.get(id).roles.find((role) => role.name === name) ?? fail(NotFound, 'Could not find role');
  }

  /** The client that a service account belongs to. */
  ofServiceAccount(userId) {
    return this.list().find(({ serviceAccount }) => serviceAccount.id === userId) ?? fail(NotFound, 'User not found');
  }

  /** @param {(names: string[]) => string[]} change from the names of the roles held to those to be held */
  mapRoles(userId, resourceId, change) {
    const client = this.#changeable(this.ofServiceAccount(userId).id);
    const resource = this.get(resourceId);
    const held = change(client.serviceAccount.clientRoles[resourceId] ?? []);
    for (const name of held) this.role(resource.id, name);
    const clientRoles = { ...client.serviceAccount.clientRoles, [resourceId]: [...new Set(held)] };
    this.#commit(() => this.#add({ ...client, serviceAccount: { ...client.serviceAccount, clientRoles } }));
  }

  #changeable(id) {
    const client = this.get(id);
    return client.fixed ? fail(Forbidden, `${client.clientId} is set by the environment`) : client;
  }

  #add(client) {
    this.#clients.set(client.id, client);
    this.#byClientId.set(client.clientId, client);
  }

  #drop(client) {
    this.#clients.delete(client.id);
    this.#byClientId.delete(client.clientId);
  }

  /** Memory and file change together: what cannot be written has not happened. */
  #commit(change) {
    const before = structuredClone(this.list());
    change();
    try {
      this.#file.write({ clients: this.list().filter((client) => !client.fixed) });
    } catch (error) {
      this.#clients.clear();
      this.#byClientId.clear();
      for (const client of before) this.#add(client);
      throw error;
    }
  }
}

/** The part of a ClientRepresentation that is kept; anything else that Keycloak knows is of no effect here. */
function editable({ name, description, enabled = true, serviceAccountsEnabled = false, attributes = {}, protocolMappers = [], secret }) {
  if (secret !== undefined && (typeof secret !== 'string' || secret.length < 16)) throw new Invalid('secret must have 16 characters or more');
  if (typeof enabled !== 'boolean' || typeof serviceAccountsEnabled !== 'boolean') throw new Invalid('enabled and serviceAccountsEnabled must be true or false');
  if (!Array.isArray(protocolMappers)) throw new Invalid('protocolMappers must be a list');
  for (const { name: mapper, protocolMapper, config } of protocolMappers) {
    if (!mapper || !MAPPERS.has(protocolMapper)) throw new Invalid(`protocolMapper must be one of ${[...MAPPERS].join(', ')}`);
    if (!CLAIM_TYPES.has(config?.['jsonType.label'] ?? 'String')) throw new Invalid(`jsonType.label must be one of ${[...CLAIM_TYPES].join(', ')}`);
    if (OWN_CLAIMS.has(config?.['claim.name'])) throw new Invalid(`claim ${config['claim.name']} cannot be hard-coded`);
  }
  return {
    ...(name ? { name } : {}),
    ...(description ? { description } : {}),
    enabled,
    serviceAccountsEnabled,
    attributes,
    protocolMappers: protocolMappers.map((mapper) => ({ id: randomUUID(), protocol: 'openid-connect', ...mapper })),
  };
}

function fail(Kind, message) {
  throw new Kind(message);
}
