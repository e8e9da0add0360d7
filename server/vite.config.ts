import { defineConfig } from 'vite';

/** SHA-256 by native code, where the page has it in JavaScript: a keeper hashes whatever it reads. */
const nativeHash = '\0native-sha2';
const nativeHashCode = `import { hash } from 'node:crypto';
export const sha256 = (bytes) => hash('sha256', bytes, 'buffer');`;

/** The host process and the keeper's, for plain Node; packages stay in node_modules. */
export default defineConfig({
  publicDir: false,
  plugins: [
    {
      name: 'native-hash',
      enforce: 'pre',
      resolveId: (id, importer) =>
        id === '@noble/hashes/sha2.js' && importer?.endsWith('/src/core/hash.ts') ? nativeHash : null,
      load: (id) => (id === nativeHash ? { code: nativeHashCode, moduleType: 'js' } : null),
    },
  ],
  build: {
    ssr: true,
    outDir: 'dist/server',
    emptyOutDir: true,
    target: 'node20',
    sourcemap: true,
    rollupOptions: {
      input: { main: 'server/main.ts', keeper: 'server/keeper/main.ts' },
      output: { entryFileNames: '[name].js' },
    },
  },
});
