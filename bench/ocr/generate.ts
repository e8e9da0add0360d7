/**
 * Draws the corpus: `npx tsx bench/ocr/generate.ts` rewrites bench/ocr/corpus; `… --held-out DIR [--seed N]` draws
 * pages of the same kinds from other text (Debian's bible-kjv-text) and another seed into DIR, to see whether scores
 * hold on pages nobody tuned for.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type PageTexts, pageSpecs } from './pages.ts';
import { openBrowser, renderPage } from './render.ts';
import { outsideDictionary, passages } from './texts.ts';

const { values } = parseArgs({ options: { 'held-out': { type: 'string' }, seed: { type: 'string' } } });
const heldOut = values['held-out'];
const folder = heldOut ?? fileURLToPath(new URL('./corpus', import.meta.url));
const seed = Number(values.seed ?? (heldOut === undefined ? 1 : 2));

/** Other prose than the corpus has: chapters of narrative, verse numbers left out. */
const bibleTexts = (): PageTexts => {
  const chapters = ['gen1', 'gen37', 'exo2', 'rut1', '1sam17', 'job38', 'ecc3', 'jon1', 'luk2', 'act27'];
  const prose = chapters.map((chapter) =>
    execFileSync('bible', ['-f', chapter], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.replace(/^\S+\s/, ''))
      .filter((line) => line !== '')
      .join(' '),
  );
  return { prose, outside: outsideDictionary };
};

const texts = heldOut === undefined ? { prose: passages, outside: outsideDictionary } : bibleTexts();
if (heldOut === undefined) rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const browser = await openBrowser();
let bytes = 0;
for (const spec of pageSpecs(texts, seed)) {
  const { file, extension, truth } = await renderPage(browser, spec);
  const name = `${spec.set}-${spec.name}`;
  writeFileSync(join(folder, `${name}.${extension}`), file);
  writeFileSync(join(folder, `${name}.txt`), truth);
  bytes += file.byteLength;
  console.log(`${name}.${extension}  ${Math.round(file.byteLength / 1024)} KiB`);
}
await browser.close();
console.log(`${(bytes / 1e6).toFixed(1)} MB in ${folder}`);
