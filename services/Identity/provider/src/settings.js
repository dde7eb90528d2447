/**
 * What the environment says, checked at once: every fault is reported, not just the first.
 *
 * @typedef {object} Settings
 * @property {string} issuer          without slash at the end
 * @property {string} realm           last segment of the issuer
 * @property {string} data            directory of keys.json and clients.json
 * @property {string} host
 * @property {number} port
 * @property {number} tokenLifetimeSeconds
 * @property {number} keyRotationDays
 * @property {{ clientId: string, secret: string }} admin
 * @property {{ clientId: string, secret: string }} operator
 */

export class SettingsError extends Error {}

/** @param {NodeJS.ProcessEnv} environment @returns {Settings} */
export function readSettings(environment) {
  const faults = [];

  const text = (name, fallback) => {
    const value = environment[name]?.trim() || fallback;
    if (value === undefined) faults.push(`${name} is missing`);
    return value ?? '';
  };
  const whole = (name, fallback, least, most) => {
    const value = Number(environment[name]?.trim() || fallback);
    if (!Number.isInteger(value) || value < least || value > most) faults.push(`${name} must be a whole number from ${least} to ${most}`);
    return value;
  };
  const client = (prefix) => {
    const secret = text(`${prefix}_CLIENT_SECRET`);
    if (secret && secret.length < 16) faults.push(`${prefix}_CLIENT_SECRET must have 16 characters or more`);
    return { clientId: text(`${prefix}_CLIENT_ID`), secret };
  };

  const issuer = text('ISSUER').replace(/\/$/, '');
  const realm = /^https?:\/\/[^/?#]+(?:\/[^?#]*)?\/realms\/([a-z0-9-]+)$/.exec(issuer)?.[1] ?? '';
  if (issuer && !realm) faults.push('ISSUER must be an http(s) address that ends in /realms/{realm}');

  const settings = {
    issuer,
    realm,
    data: text('DATA'),
    host: text('HOST', '127.0.0.1'),
    port: whole('PORT', 8088, 0, 65535),
    tokenLifetimeSeconds: whole('TOKEN_LIFETIME_SECONDS', 300, 5, 86_400),
    keyRotationDays: whole('KEY_ROTATION_DAYS', 90, 1, 3_650),
    admin: client('ADMIN'),
    operator: client('OPERATOR'),
  };
  if (settings.admin.clientId && settings.admin.clientId === settings.operator.clientId) {
    faults.push('ADMIN_CLIENT_ID and OPERATOR_CLIENT_ID must differ');
  }
  if (faults.length) throw new SettingsError(faults.join('; '));
  return settings;
}
