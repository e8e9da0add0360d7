import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Tells builds apart in logs and greetings; an image is built without git, and so is a downloaded copy. */
const revision = (): string => {
  const given = process.env['AIVILLAGE_REVISION'];
  if (given !== undefined && /^[\w.-]{1,20}$/.test(given)) return given;
  try {
    return execFileSync('git', ['rev-parse', '--short=8', 'HEAD'], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  } catch {
    return 'local';
  }
};

export default defineConfig({
  plugins: [
    react(),
    VitePWA({
      strategies: 'injectManifest',
      srcDir: 'workers',
      filename: 'service-worker.ts',
      injectRegister: false,
      manifest: false, // public/manifest.webmanifest is the manifest
      injectManifest: {
        // All code, so that no part of it is missing offline. Not the runtime's WebAssembly (14 + 27 MB) nor the models:
        // they are stored when they are first used.
        globPatterns: ['**/*.{html,js,mjs,css,woff2,svg,webmanifest}', 'icons/*.png'],
        globIgnores: ['samples/**', 'service-worker.js'],
        rollupFormat: 'iife',
      },
    }),
  ],
  define: { __BUILD__: JSON.stringify(`${version}+${revision()}`) },
  worker: { format: 'es' },
  assetsInclude: ['**/*.onnx'],
  build: {
    outDir: 'dist/client',
    emptyOutDir: true,
    target: 'es2023',
    sourcemap: true,
    // A file as a data: URL would be in the shell, and hashed by nobody.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
    proxy: { '/signal': { target: 'ws://127.0.0.1:8787', ws: true } },
  },
});
