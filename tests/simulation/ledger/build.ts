import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { build } from 'vite';
import type { Mutant } from './mutants.ts';

export type Built = { readonly file: string; remove(): Promise<void> };

/** The same SHA-256 by native code: what a history costs most is hashing. */
const fastHash = '\0native-sha2';
const fastHashCode = `import { hash } from 'node:crypto';
export const sha256 = (bytes) => hash('sha256', bytes, 'buffer');`;

const transition = join('src', 'ledger', 'apply.ts');
const remembered = join(import.meta.dirname, 'remembered.ts');

const root = resolve(import.meta.dirname, '../../..');

/** One file for Node out of an entry of this folder, in a folder of its own; with a mutant, over a source with one thing broken. */
export const buildSimulation = async (entry: string, mutant?: Mutant): Promise<Built> => {
  const folder = await mkdtemp(join(tmpdir(), 'ledger-simulation-'));
  const file = join(folder, 'entry.mjs');
  const target = mutant && join(root, mutant.file);
  let applied = !mutant;
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    publicDir: false,
    ssr: { noExternal: true, target: 'node' },
    build: {
      ssr: join(import.meta.dirname, entry),
      outDir: folder,
      emptyOutDir: false,
      minify: false,
      rolldownOptions: { output: { entryFileNames: 'entry.mjs' } },
    },
    plugins: [
      {
        name: 'simulation',
        enforce: 'pre',
        resolveId(id, importer) {
          if (id === '@noble/hashes/sha2.js') return fastHash;
          if (!importer || importer === remembered || !id.endsWith('/apply.ts')) return null;
          return resolve(dirname(importer), id) === join(root, transition) ? remembered : null;
        },
        async load(id) {
          if (id === fastHash) return { code: fastHashCode, moduleType: 'js' };
          if (!mutant || id !== target) return null;
          applied = true;
          return { code: mutated(await readFile(id, 'utf8'), mutant), moduleType: 'ts' };
        },
      },
    ],
  });
  if (!applied) throw new Error(`${mutant?.file} is no part of the simulation`);
  return { file, remove: () => rm(folder, { recursive: true }) };
};

const mutated = (source: string, { find, replace, file }: Mutant): string => {
  const parts = source.split(find);
  if (parts.length !== 2) throw new Error(`"${find}" stands ${parts.length - 1} times in ${file}, not once`);
  return parts.join(replace);
};
