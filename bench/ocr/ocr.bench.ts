import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { isSupported, type RgbImage, supportedCharacters } from '../../src/inference/ocr/index.ts';
import { decodeImage } from './images.ts';
import { createNodePipeline, readPage } from './nodeRunner.ts';
import { measureOverhead } from './overhead.ts';
import { errorRate, type PageScore, scorePage } from './score.ts';

const committed = fileURLToPath(new URL('./corpus', import.meta.url));
const sets = ['clean', 'degraded', 'outside'] as const;
type SetName = (typeof sets)[number];

type CorpusPage = {
  readonly name: string;
  readonly set: SetName;
  readonly path: string;
  readonly image: RgbImage;
  readonly truth: string;
};
type PageResult = {
  readonly page: CorpusPage;
  readonly score: PageScore;
  readonly tesseract: PageScore | undefined;
};

export const limits = { cer: 0.005, cer_degraded: 0.05, swarm_overhead: 1.15 };

/**
 * Reads the corpus with the product's pipeline (one WASM thread in Node) and with Debian's tesseract where installed.
 * Output is checked first; only then a few pages are timed, in real tabs.
 */
export const run = async (options: { json: boolean; folder?: string }): Promise<Record<string, number>> => {
  const pages = await loadCorpus(options.folder ?? committed);
  const pipeline = await createNodePipeline();
  try {
    checkTruth(pages, pipeline.dictionary);
    const results: PageResult[] = [];
    for (const page of pages) {
      const { text } = await readPage(pipeline, page.image);
      const score = scorePage(page.truth, text);
      results.push({ page, score, tesseract: await scoreTesseract(page) });
      if (!options.json) console.log(tableRow(results.at(-1)));
    }
    const numbers = summarize(results);
    if ((numbers['cer'] ?? 1) > 0.05) {
      throw new Error(
        `clean pages: ${numbers['cer']} of the characters are wrong; speed means nothing before that`,
      );
    }
    const timed = pages.filter(({ set }) => set === 'clean').slice(0, timedPages);
    const inTabs = await measureOverhead(timed, (text) => console.error(text));
    const all = { ...numbers, ...inTabs };
    if (!options.json)
      for (const [key, value] of Object.entries(all)) console.log(`${key.padEnd(26)} ${value}`);
    return all;
  } finally {
    await pipeline.close();
  }
};

const loadCorpus = async (folder: string): Promise<readonly CorpusPage[]> => {
  const files = (await readdir(folder)).filter((file) => /\.(png|jpg)$/.test(file)).sort();
  return Promise.all(
    files.map(async (file) => {
      const set = sets.find((name) => file.startsWith(`${name}-`));
      if (!set) throw new Error(`${file}: its name starts with none of ${sets.join(', ')}`);
      const path = join(folder, file);
      const truth = await readFile(path.replace(/\.\w+$/, '.txt'), 'utf8');
      return { name: file, set, path, image: decodeImage(await readFile(path)), truth };
    }),
  );
};

/** A page whose truth the dictionary can't write would measure the dictionary, not the reading. */
const checkTruth = (pages: readonly CorpusPage[], dictionary: readonly string[]): void => {
  const supported = supportedCharacters(dictionary);
  for (const { name, set, truth } of pages) {
    const inside = isSupported(truth, supported);
    if (inside === (set === 'outside')) {
      throw new Error(
        `${name}: its truth is ${inside ? 'inside' : 'outside of'} the dictionary, against its name`,
      );
    }
  }
};

const summarize = (results: readonly PageResult[]): Record<string, number> => {
  const rateOf = (set: SetName): number =>
    rounded(errorRate(results.filter(({ page }) => page.set === set).map(({ score }) => score)));
  const tesseractOf = (set: SetName): Record<string, number> => {
    const scores = results.flatMap(({ page, tesseract }) =>
      page.set === set && tesseract ? [tesseract] : [],
    );
    if (scores.length === 0) return {};
    return { [set === 'clean' ? 'cer_tesseract' : `cer_tesseract_${set}`]: rounded(errorRate(scores)) };
  };
  return {
    cer: rateOf('clean'),
    cer_degraded: rateOf('degraded'),
    cer_outside_dictionary: rateOf('outside'),
    ...tesseractOf('clean'),
    ...tesseractOf('degraded'),
    pages: results.length,
  };
};

const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;

const tableRow = (result: PageResult | undefined): string => {
  if (!result) return '';
  const percent = ({ errors, characters }: PageScore): string =>
    `${((100 * errors) / characters).toFixed(2)} %`.padStart(9);
  const { page, score, tesseract } = result;
  const errors = `${score.errors}/${score.characters}`.padStart(11);
  return `${page.name.padEnd(36)}${errors}${percent(score)}${tesseract ? `   tesseract ${percent(tesseract)}` : ''}`;
};

const execute = promisify(execFile);

/** Tesseract joins cells by a space, so for it a space and a tab are one and the same. */
const scoreTesseract = async ({ path, truth }: CorpusPage): Promise<PageScore | undefined> => {
  const environment = { ...process.env, OMP_THREAD_LIMIT: '1' };
  try {
    const { stdout } = await execute('tesseract', [path, 'stdout'], { env: environment });
    return scorePage(truth.replaceAll('\t', ' '), stdout.replaceAll('\t', ' '));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
};

const timedPages = 4;

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const folder = process.argv[2];
  await run({ json: false, ...(folder === undefined ? {} : { folder }) });
}
