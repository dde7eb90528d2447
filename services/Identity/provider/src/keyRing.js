import { generateKeyPair, randomUUID } from 'node:crypto';
import { promisify } from 'node:util';

const ALGORITHM = 'RS256';
const DAY = 86_400_000;

/**
 * The signing keys: the first signs, the others only verify. A key that was replaced is published until every token
 * it signed has expired, so that nobody is logged out by a rotation, and then forgotten.
 */
export class KeyRing {
  #file;
  #keys;
  #retiredKeyLife;
  #now;

  /** @param {{ file: import('./jsonFile.js').JsonFile, tokenLifetimeSeconds: number, now?: () => number }} options */
  static async open({ file, tokenLifetimeSeconds, now = Date.now }) {
    const ring = new KeyRing();
    ring.#file = file;
    // Twice the lifetime covers clocks that differ and a token issued in the very moment of the rotation.
    ring.#retiredKeyLife = 2 * tokenLifetimeSeconds * 1000;
    ring.#now = now;
    ring.#keys = file.read()?.keys ?? [];
    if (!ring.#keys.length) await ring.rotate();
    else ring.#forgetExpired();
    return ring;
  }

  /** Private keys as JWK, the signing one first. */
  get privateJwks() {
    return this.#keys.map((key) => key.jwk);
  }

  /** Public keys as JWK, for verifying our own tokens. */
  get publicJwks() {
    return this.#keys.map(({ jwk: { kty, n, e, kid, alg, use } }) => ({ kty, n, e, kid, alg, use }));
  }

  /** What the administration shows: never a private part. */
  get metadata() {
    return this.#keys.map(({ jwk, providerId, createdAt, retiredAt }) => ({
      kid: jwk.kid, providerId, type: jwk.kty, algorithm: jwk.alg, use: 'SIG', createdAt, status: retiredAt ? 'PASSIVE' : 'ACTIVE',
    }));
  }

  /** A new key signs from now on. @returns {Promise<{ kid: string, providerId: string }>} */
  async rotate() {
    const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
    const createdAt = this.#now();
    const key = {
      jwk: { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg: ALGORITHM, use: 'sig' },
      providerId: randomUUID(),
      createdAt,
    };
    const older = this.#unexpired().map((other) => ({ ...other, retiredAt: other.retiredAt ?? createdAt }));
    this.#save([key, ...older]);
    return { kid: key.jwk.kid, providerId: key.providerId };
  }

  /** Rotates when the signing key is older than `days`, and forgets expired ones. @returns {Promise<boolean>} whether anything changed */
  async maintain(days) {
    if (this.#now() - this.#keys[0].createdAt >= days * DAY) {
      await this.rotate();
      return true;
    }
    return this.#forgetExpired();
  }

  #unexpired() {
    return this.#keys.filter(({ retiredAt }) => retiredAt === undefined || this.#now() - retiredAt < this.#retiredKeyLife);
  }

  #forgetExpired() {
    const kept = this.#unexpired();
    if (kept.length === this.#keys.length) return false;
    this.#save(kept);
    return true;
  }

  #save(keys) {
    this.#file.write({ keys });
    this.#keys = keys;
  }
}
