import { describe, expect, it } from 'vitest';
import type { Quad } from '../ocr/types.ts';
import { compareAnswers, quadIoU } from './compare.ts';
import type { AnswerValue } from './state.ts';

const lines = (...pairs: readonly (readonly [string, number])[]): AnswerValue => ({
  kind: 'ocr.recognize',
  lines: pairs.map(([text, confidence]) => ({ text, confidence })),
});
const box = (x: number, y: number, width = 100, height = 20): Quad => [
  x,
  y,
  x + width,
  y,
  x + width,
  y + height,
  x,
  y + height,
];
const boxes = (...found: readonly (readonly [Quad, number])[]): AnswerValue => ({
  kind: 'ocr.detect',
  output: { boxes: found.map(([quad, score]) => ({ quad, score })) },
});
const column = (count: number) => Array.from({ length: count }, (_, row) => [box(0, row * 30), 0.9] as const);

describe('two readings', () => {
  it('agree on equal text, whatever their confidence', () => {
    expect(compareAnswers(lines(['total 12', 0.9]), lines(['total 12', 0.4])).result).toBe('same');
  });

  it('differ by one character, if one side was sure', () => {
    expect(compareAnswers(lines(['total 12', 0.9]), lines(['total 72', 0.3])).result).toBe('different');
  });

  it('are nobody’s fault where both could hardly read; the surer one is kept line by line', () => {
    const a = lines(['clear', 0.9], ['smudge', 0.3], ['stain', 0.5]);
    const b = lines(['clear', 0.8], ['smvdge', 0.5], ['stein', 0.2]);
    const compared = compareAnswers(a, b);
    expect(compared).toMatchObject({
      result: 'unsure',
      merged: { lines: [{ text: 'clear' }, { text: 'smvdge' }, { text: 'stain' }] },
    });
  });

  it('are different if any differing line was readable', () => {
    const compared = compareAnswers(
      lines(['smudge', 0.3], ['clear', 0.9]),
      lines(['smvdge', 0.3], ['cleer', 0.9]),
    );
    expect(compared.result).toBe('different');
  });
});

describe('two layouts', () => {
  it('agree when boxes moved by a pixel, in any order', () => {
    const moved = column(20).map(
      ([quad, score]) => [quad.map((v) => v + 1) as unknown as Quad, score] as const,
    );
    expect(compareAnswers(boxes(...column(20)), boxes(...moved.reverse())).result).toBe('same');
  });

  it('differ when one line of many is left out', () => {
    expect(compareAnswers(boxes(...column(60)), boxes(...column(59))).result).toBe('different');
    expect(compareAnswers(boxes(...column(59)), boxes(...column(60))).result).toBe('different');
  });

  it('agree when one of many lines was cut in two', () => {
    const [, ...rest] = column(20);
    const cut = [[box(0, 0, 48), 0.9] as const, [box(52, 0, 48), 0.9] as const, ...rest];
    expect(compareAnswers(boxes(...column(20)), boxes(...cut)).result).toBe('same');
  });

  it('differ when one box swallows the page', () => {
    expect(compareAnswers(boxes(...column(20)), boxes([box(0, 0, 100, 600), 0.9])).result).toBe('different');
  });

  it('agree when a faint box appears on one side only', () => {
    expect(compareAnswers(boxes(...column(3)), boxes(...column(3), [box(200, 0), 0.61])).result).toBe('same');
  });

  it('agree that there is nothing', () => {
    expect(compareAnswers(boxes(), boxes()).result).toBe('same');
    expect(compareAnswers(boxes(), boxes(...column(1))).result).toBe('different');
  });
});

describe('intersection over union of quads', () => {
  it('is one for equal ones, zero for far ones, a third for halves that overlap', () => {
    expect(quadIoU(box(0, 0), box(0, 0))).toBeCloseTo(1);
    expect(quadIoU(box(0, 0), box(500, 0))).toBe(0);
    expect(quadIoU(box(0, 0), box(50, 0))).toBeCloseTo(1 / 3);
  });

  it('knows turned quads: a square and its diamond share the known octagon', () => {
    const square: Quad = [-1, -1, 1, -1, 1, 1, -1, 1];
    const r = Math.SQRT2;
    const diamond: Quad = [0, -r, r, 0, 0, r, -r, 0];
    const octagon = 8 * (Math.SQRT2 - 1);
    expect(quadIoU(square, diamond)).toBeCloseTo(octagon / (8 - octagon));
  });
});
