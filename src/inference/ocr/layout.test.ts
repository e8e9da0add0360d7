import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assembleText, type PageLine } from './layout.ts';
import { boxQuad } from './testDoubles.ts';
import type { Quad } from './types.ts';

/** Text of a size, at a place: each letter is half as wide as the line is high. */
const write = (text: string, left: number, top: number, height = 20): PageLine => ({
  quad: boxQuad(left, top, left + text.length * height * 0.5, top + height),
  text,
  confidence: 1,
});
const page = { width: 1000, height: 1400 };
const read = (lines: readonly PageLine[]): string => assembleText(lines, page).text;
const turn = (lines: readonly PageLine[], degrees: number): readonly PageLine[] => {
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const turned = (quad: Quad): Quad =>
    quad.map((_, i) =>
      i % 2 === 0 ? quad[i]! * cos - quad[i + 1]! * sin : quad[i - 1]! * sin + quad[i]! * cos,
    ) as unknown as Quad;
  return lines.map((line) => ({ ...line, quad: turned(line.quad) }));
};

const prose = (name: string, left: number, top: number, rows: number): PageLine[] =>
  Array.from({ length: rows }, (_, i) => write(`${name} line ${i} of running text`, left, top + i * 26));
const proseText = (name: string, rows: number): string =>
  Array.from({ length: rows }, (_, i) => `${name} line ${i} of running text`).join('\n');

describe('reading order', () => {
  test('lines from top to bottom, whatever order they come in; a wide gap is a paragraph', () => {
    const lines = [write('third', 50, 130), write('first', 50, 50), write('second', 50, 76)];
    expect(assembleText(lines, page)).toEqual({ text: 'first\nsecond\n\nthird', order: [1, 2, 0] });
  });

  test('pieces of one line are joined by a space, cells by a tab', () => {
    const lines = [write('Total', 50, 50), write('due', 102, 51), write('12.50', 400, 50)];
    expect(read(lines)).toBe('Total due\t12.50');
  });

  test('two columns of prose are read one after the other, the heading before both', () => {
    const lines = [
      write('A heading across the page', 50, 20, 40),
      ...prose('left', 50, 100, 6),
      ...prose('right', 400, 100, 5),
    ];
    expect(read(lines)).toBe(
      `A heading across the page\n\n${proseText('left', 6)}\n\n${proseText('right', 5)}`,
    );
  });

  test('three columns, and a footer below them', () => {
    const lines = [
      ...prose('one', 20, 100, 5),
      ...prose('two', 340, 100, 5),
      ...prose('three', 660, 100, 5),
      write('a footer that runs below all of the three columns, from edge to edge', 20, 300),
    ];
    expect(
      read(lines)
        .split('\n')
        .filter((line) => line !== ''),
    ).toEqual([
      ...proseText('one', 5).split('\n'),
      ...proseText('two', 5).split('\n'),
      ...proseText('three', 5).split('\n'),
      'a footer that runs below all of the three columns, from edge to edge',
    ]);
  });

  test('a table is read row by row', () => {
    const cells = (row: number, ...texts: string[]) =>
      texts.map((text, i) => write(text, 50 + i * 200, 50 + row * 30));
    const lines = [0, 1, 2, 3].flatMap((row) => cells(row, `name ${row}`, String(row * 7), `${row}.50`));
    expect(read(lines)).toBe('name 0\t0\t0.50\nname 1\t7\t1.50\nname 2\t14\t2.50\nname 3\t21\t3.50');
  });

  test('a receipt with centred head and foot is read row by row', () => {
    const lines = [
      write('CORNER SHOP', 150, 20, 24),
      ...['Bread', 'Apples and pears', 'Oat milk', 'Coffee beans'].flatMap((name, i) => [
        write(name, 20, 70 + i * 26),
        write(`${i}.99`, 400, 70 + i * 26),
      ]),
      write('Thank you', 170, 200),
    ];
    expect(read(lines).split('\n').filter(Boolean)).toEqual([
      'CORNER SHOP',
      'Bread\t0.99',
      'Apples and pears\t1.99',
      'Oat milk\t2.99',
      'Coffee beans\t3.99',
      'Thank you',
    ]);
  });

  test('a toolbar, then a sidebar with its own pitch, then the text beside it', () => {
    const lines = [
      ...['File', 'Edit', 'View', 'Help'].map((name, i) => write(name, 20 + i * 160, 10)),
      ...['Inbox', 'Sent', 'Drafts', 'Spam', 'Trash'].map((name, i) => write(name, 20, 60 + i * 37)),
      ...prose('mail', 220, 55, 8),
    ];
    expect(read(lines).split('\n').filter(Boolean)).toEqual([
      'File\tEdit\tView\tHelp',
      'Inbox',
      'Sent',
      'Drafts',
      'Spam',
      'Trash',
      ...proseText('mail', 8).split('\n'),
    ]);
  });

  test('a page that lies askew by two degrees reads the same', () => {
    const lines = [...prose('left', 50, 100, 9), ...prose('right', 400, 100, 9)];
    for (const degrees of [-2, 2]) expect(read(turn(lines, degrees))).toBe(read(lines));
  });

  test('nothing on the page is nothing in the text', () => {
    expect(assembleText([], page)).toEqual({ text: '', order: [] });
    expect(assembleText([write('', 5, 5)], page)).toEqual({ text: '', order: [0] });
  });

  test('any boxes: every line stands in the order once, and its text in the text', () => {
    const boxes = fc.record({
      x: fc.integer({ min: 0, max: 900 }),
      y: fc.integer({ min: 0, max: 1300 }),
      width: fc.integer({ min: 1, max: 600 }),
      height: fc.integer({ min: 1, max: 90 }),
    });
    fc.assert(
      fc.property(fc.array(boxes, { maxLength: 60 }), (all) => {
        const lines = all.map(({ x, y, width, height }, i) => ({
          quad: boxQuad(x, y, x + width, y + height),
          text: `w${i}`,
          confidence: 1,
        }));
        const { text, order } = assembleText(lines, page);
        expect([...order].sort((a, b) => a - b)).toEqual(lines.map((_, i) => i));
        expect(text.split(/\s+/).filter(Boolean).sort()).toEqual(lines.map(({ text: own }) => own).sort());
      }),
    );
  });
});
