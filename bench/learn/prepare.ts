/**
 * Makes bench/learn/data out of two Debian packages: `npx tsx bench/learn/prepare.ts` (bible-kjv-text, dataset-fashion-mnist).
 * The same input gives the same bytes.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { committedFolder, debianFolder, type Part, partFiles, readIdx, writeIdx } from './fashion.ts';
import { textFile } from './text.ts';

/** Stories and laws of the Old Testament, then the Gospels and Acts: about a fifth of the whole. */
const passages = ['gen1:1-exo40:38', 'mat1:1-act28:31'] as const;

/** A verse a line, without its number; an empty line between chapters. */
const versesOf = (passage: string): string => {
  const printed = execFileSync('bible', ['-f', passage], { encoding: 'utf8', maxBuffer: 2 ** 24 });
  let chapter = '';
  return printed
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, place = '', verse = ''] = /^(\S+):\d+\s+(.*)$/.exec(line) ?? [];
      if (verse === '') throw new Error(`no verse: ${line}`);
      const between = chapter === '' || chapter === place ? '' : '\n';
      chapter = place;
      return `${between}${verse.trim()}\n`;
    })
    .join('');
};

/** So many of each class, in the order they come. */
const perClass: Readonly<Record<Part, number>> = { train: 200, t10k: 50 };

const writeSubset = (part: Part): void => {
  const [images, labels] = partFiles[part].map((file) => readIdx(join(debianFolder, file)));
  if (!images || !labels) throw new Error(`no ${part}`);
  const seen = new Map<number, number>();
  const chosen = [...labels.data.keys()].filter((index) => {
    const label = labels.data[index] ?? 0;
    const count = seen.get(label) ?? 0;
    seen.set(label, count + 1);
    return count < perClass[part];
  });
  const size = 28 * 28;
  const pixels = Buffer.concat(chosen.map((index) => images.data.subarray(index * size, (index + 1) * size)));
  const classes = Uint8Array.from(chosen, (index) => labels.data[index] ?? 0);
  const [imageFile, labelFile] = partFiles[part];
  writeIdx(join(committedFolder, imageFile), { dims: [chosen.length, 28, 28], data: pixels });
  writeIdx(join(committedFolder, labelFile), { dims: [chosen.length], data: classes });
};

const text = passages.map(versesOf).join('\n');
writeFileSync(textFile, gzipSync(text, { level: 9 }));
writeSubset('train');
writeSubset('t10k');
