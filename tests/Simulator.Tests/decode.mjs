// Decodes one message with a codec of the platform's library: node decode.mjs CODEC PORT HEX
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const [codec, port, hex] = process.argv.slice(2);
let text = readFileSync(codec, 'utf8');
const shared = /^\/\/ uses (\S+)/.exec(text);
if (shared) text = readFileSync(join(dirname(codec), shared[1]), 'utf8') + text;
const decode = new Function(`${text}; return { decodeUplink, normalizeUplink: typeof normalizeUplink === 'function' ? normalizeUplink : undefined };`)();
const decoded = decode.decodeUplink({ bytes: [...Buffer.from(hex, 'hex')], fPort: Number(port), recvTime: new Date() });
if (!decoded.errors?.length && decode.normalizeUplink) decoded.normalized = decode.normalizeUplink(decoded).data;
process.stdout.write(JSON.stringify(decoded));
