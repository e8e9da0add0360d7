import { defineConfig } from 'vite';

/** The host process and the keeper's, for plain Node; packages stay in node_modules. */
export default defineConfig({
  publicDir: false,
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
