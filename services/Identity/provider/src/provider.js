import { Provider, errors } from 'oidc-provider';

import { accessTokenClaims, audience } from './claims.js';
import { matches } from './secrets.js';

/** The one resource there is: the platform. A resource indicator that a client sends cannot widen its audience. */
const PLATFORM = 'urn:allmende:platform';

/**
 * oidc-provider with a Keycloak face. Machines only: no login pages, no browser flows, nothing that would keep state.
 *
 * @param {{ settings: import('./settings.js').Settings, keys: import('./keyRing.js').KeyRing, clients: import('./clientStore.js').ClientStore }} parts
 */
export function createProvider({ settings, keys, clients }) {
  const provider = new Provider(settings.issuer, {
    adapter: (model) => new Adapter(model, clients),
    jwks: { keys: keys.privateJwks },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post'],
    responseTypes: ['code'],
    scopes: ['openid'],
    ttl: { ClientCredentials: settings.tokenLifetimeSeconds },
    routes: {
      authorization: '/protocol/openid-connect/auth',
      jwks: '/protocol/openid-connect/certs',
      token: '/protocol/openid-connect/token',
    },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => PLATFORM,
        getResourceServerInfo(_ctx, indicator, { clientId }) {
          const addressed = audience(clients, clients.findByClientId(clientId));
          if (indicator !== PLATFORM || !addressed) throw new errors.InvalidTarget();
          return { scope: '', audience: [addressed].flat()[0], accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } };
        },
      },
    },
    extraTokenClaims: (_ctx, token) => accessTokenClaims(clients, clients.findByClientId(token.clientId)),
    formats: {
      customizers: {
        jwt(_ctx, token, { payload }) {
          const client = clients.findByClientId(token.clientId);
          payload.aud = audience(clients, client);
          payload.sub = client.serviceAccount.id;
        },
      },
    },
    // Every caller is a service; a browser's script has no business here.
    clientBasedCORS: () => false,
  });
  provider.proxy = true;
  provider.Client.prototype.compareClientSecret = function compareClientSecret(secret) {
    return matches(this.clientSecret, secret);
  };
  return provider;
}

/** oidc-provider's storage contract. Signed tokens need no storage, so clients are all there is to find. */
class Adapter {
  #clients;
  #model;

  constructor(model, clients) {
    this.#model = model;
    this.#clients = clients;
  }

  async find(id) {
    if (this.#model !== 'Client') return undefined;
    const client = this.#clients.findByClientId(id);
    if (!client?.enabled || !client.serviceAccountsEnabled) return undefined;
    return {
      client_id: client.clientId,
      client_secret: client.secretHash,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'client_secret_basic',
    };
  }

  async upsert() {
    throw new Error(`${this.#model} is not kept by this provider`);
  }

  async findByUid() {}

  async findByUserCode() {}

  async consume() {}

  async destroy() {}

  async revokeByGrantId() {}
}
