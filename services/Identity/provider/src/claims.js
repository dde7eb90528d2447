/**
 * The claims of a client's access token, built from the same parts as Keycloak's mappers build them:
 * realm roles, client roles, hard-coded claims, audience mapper and audience resolve.
 */

/** @param {import('./clientStore.js').ClientStore} clients */
export function accessTokenClaims(clients, client) {
  const roles = Object.entries(client.serviceAccount.clientRoles)
    .filter(([, names]) => names.length)
    .map(([id, names]) => [clients.get(id).clientId, { roles: names }]);
  return {
    ...hardCoded(client),
    ...(client.realmRoles?.length ? { realm_access: { roles: client.realmRoles } } : {}),
    ...(roles.length || client.builtInRoles ? { resource_access: { ...Object.fromEntries(roles), ...client.builtInRoles } } : {}),
    azp: client.clientId,
    preferred_username: `service-account-${client.clientId}`,
  };
}

/** One audience as a string, several as a list, as in RFC 7519; undefined when nobody is addressed. */
export function audience(clients, client) {
  const audiences = new Set([
    ...(client.audiences ?? []),
    ...Object.entries(client.serviceAccount.clientRoles).filter(([, names]) => names.length).map(([id]) => clients.get(id).clientId),
    ...mappers(client, 'oidc-audience-mapper').map(({ config }) => config['included.client.audience'] ?? config['included.custom.audience']),
  ].filter(Boolean));
  return audiences.size > 1 ? [...audiences] : [...audiences][0];
}

function hardCoded(client) {
  return Object.fromEntries(mappers(client, 'oidc-hardcoded-claim-mapper').map(({ config }) => [config['claim.name'], typed(config)]));
}

function mappers(client, kind) {
  return client.protocolMappers.filter(({ protocolMapper, config }) => protocolMapper === kind && config?.['access.token.claim'] === 'true');
}

function typed({ 'claim.value': value, 'jsonType.label': type }) {
  switch (type) {
    case 'int':
    case 'long': return Number(value);
    case 'boolean': return value === 'true';
    default: return value;
  }
}
