import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { precompress } from './build/precompress.ts';

const out = fileURLToPath(new URL('../wwwroot', import.meta.url));

export default defineConfig({
  base: '/',
  build: {
    outDir: out,
    emptyOutDir: true,
    target: 'es2022',
    rolldownOptions: { input: ['index.html', 'municipalities.html', 'not-found.html'] },
    // Nothing is inlined: the content security policy allows no data: scripts, and hashed files are kept for ever.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  plugins: [precompress(`${out}/assets`)],
});
