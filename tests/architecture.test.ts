import { describe, expect, it } from 'vitest';
import { dashboardGlobals, effectfulFolders, effectGlobals, layers } from './layers.ts';
import { findCycles, listSources, readFacts, type SourceImport } from './sourceGraph.ts';

const inside = (file: string, folder: string) => file === folder || file.startsWith(`${folder}/`);
const layerOf = (file: string) =>
  Object.keys(layers)
    .filter((folder) => inside(file, folder))
    .sort((a, b) => b.length - a.length)[0];

const whyForbidden = ({ from, to, line, typeOnly }: SourceImport): string | undefined => {
  const layer = layerOf(from);
  const rule = layer === undefined ? undefined : layers[layer];
  if (!layer || !rule) return `${from}:${line} is in no layer: add its folder to tests/layers.ts`;
  const allowed = [layer, ...rule.imports, ...(typeOnly ? (rule.types ?? []) : [])];
  if (allowed.some((folder) => inside(to, folder))) return undefined;
  const hint = typeOnly
    ? 'move the type down, or'
    : 'import it as a type if it is one, take it as an argument, or';
  return `${from}:${line} imports ${to}; ${layer} may import ${rule.imports.join(', ') || 'nothing of ours'}: ${hint} rethink the layer`;
};

const panelOf = (file: string) => /^src\/dashboard\/panels\/([^/]+)\//.exec(file)?.[1];

const findEffects = (file: string, text?: string) => {
  if (effectfulFolders.some((folder) => inside(file, folder))) return [];
  const allowed = inside(file, 'src/dashboard') ? Object.keys(dashboardGlobals) : [];
  return readFacts(file, text).globals.filter(
    ({ name }) => (effectGlobals as readonly string[]).includes(name) && !allowed.includes(name),
  );
};

const files = listSources(['src', 'workers', 'server']).filter((file) => !file.includes('vite-env'));
const facts = files.map((file) => readFacts(file));
const imports = facts.flatMap((fact) => fact.imports);

describe('architecture', () => {
  it('every import goes down', () => {
    expect(imports.length).toBeGreaterThan(50);
    expect(imports.map(whyForbidden).filter((reason) => reason !== undefined)).toEqual([]);
  });

  it('there are no cycles of value imports', () => {
    expect(findCycles(imports).map((cycle) => cycle.join(' → '))).toEqual([]);
  });

  it('effects are arguments outside their places', () => {
    const found = files.flatMap((file) => findEffects(file));
    expect(
      found.map(({ file, line, name }) => `${file}:${line} uses ${name}: take it as an argument`),
    ).toEqual([]);
  });

  it('nothing in the product is decided by Math.random', () => {
    const found = facts.flatMap((fact) => fact.globals).filter(({ name }) => name === 'Math.random');
    expect(found.map(({ file, line }) => `${file}:${line}`)).toEqual([]);
  });

  it('panels do not know each other', () => {
    const between = imports.filter(
      ({ from, to }) => panelOf(from) && panelOf(to) && panelOf(from) !== panelOf(to),
    );
    expect(between.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });
});

describe('the architecture test itself', () => {
  const importsOf = (file: string, text: string) => readFacts(file, text).imports;

  it('finds an import that goes up', () => {
    const [upward] = importsOf('src/core/x.ts', "import { a } from '../mesh/index.ts';");
    expect(whyForbidden(upward!)).toContain('src/core/x.ts:1 imports src/mesh/index.ts');
  });

  it('lets an adapter see the type of a port, and not its implementation', () => {
    const [type] = importsOf('src/platform/browser/x.ts', "import type { A } from '../../mesh/ports.ts';");
    const [value] = importsOf('src/platform/browser/x.ts', "import { a } from '../../mesh/link.ts';");
    expect(whyForbidden(type!)).toBeUndefined();
    expect(whyForbidden(value!)).toBeDefined();
  });

  it.each([
    ['Date.now()', 'Date.now'],
    ['const t = setTimeout(() => {}, 1)', 'setTimeout'],
    ['new WebSocket("x")', 'WebSocket'],
    ['crypto.getRandomValues(a)', 'crypto'],
    ['globalThis.fetch("x")', 'fetch'],
    ['const today = new Date()', 'new Date()'],
    ['document.title = "x"', 'document'],
    ['const { x } = navigator', 'navigator'],
    ['const wait = (ms) => setTimeout(go, ms)', 'setTimeout'],
  ])('finds the effect in %s', (code, name) => {
    expect(findEffects('src/mesh/x.ts', code).map((use) => use.name)).toContain(name);
  });

  it('does not take an argument, a property or a type for an effect', () => {
    const code = `
      import { crypto } from './port.ts';
      const go = (clock: { now(): number }, options: { fetch: () => void }) => { clock.now(); options.fetch(); crypto.sign(); };
      const other = ({ fetch, x: [navigator] }, caches = 1) => fetch(navigator, caches);
      type Navigator = { navigator: string };
      const shown = new Date(1_000).toISOString();
    `;
    expect(findEffects('src/mesh/x.ts', code)).toEqual([]);
  });

  it('finds a cycle, and lets types go in circles', () => {
    const edge = (from: string, to: string, typeOnly = false) => ({ from, to, line: 1, typeOnly });
    expect(findCycles([edge('a', 'b'), edge('b', 'c'), edge('c', 'a')])).toHaveLength(1);
    expect(findCycles([edge('a', 'b'), edge('b', 'a', true)])).toEqual([]);
  });
});
