import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 256 random bits; long enough that a plain hash of it cannot be guessed backwards. */
export const newSecret = () => randomBytes(32).toString('base64url');

export const hashSecret = (secret) => createHash('sha256').update(secret, 'utf8').digest('base64url');

/** @param {string} hash as made by hashSecret @param {string} secret as somebody sent it */
export const matches = (hash, secret) => timingSafeEqual(Buffer.from(hash), Buffer.from(hashSecret(secret)));
