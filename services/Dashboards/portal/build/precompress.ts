import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Plugin } from 'vite';

const brotli = promisify(brotliCompress);
const deflate = promisify(gzip);

/**
 * Writes a .br and a .gz beside every asset that becomes smaller by it, so that the server
 * compresses nothing while people wait.
 */
export function precompress(folder: string): Plugin {
  return {
    name: 'precompress',
    apply: 'build',
    async closeBundle() {
      const files = (await readdir(folder)).filter(name => /\.(js|css|svg|json)$/.test(name));
      await Promise.all(files.map(async name => {
        const file = path.join(folder, name);
        const content = await readFile(file);
        if (content.length < 1024) return;
        await writeFile(`${file}.br`, await brotli(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
        await writeFile(`${file}.gz`, await deflate(content, { level: 9 }));
      }));
    },
  };
}
