/** Where the coordinator meets the OCR domain's pure rules: one shape for every kind of task. */
import type { Fault, Result } from '../core/result.ts';
import { ok } from '../core/result.ts';
import type { TaskKind, TaskTable } from './contracts.ts';
import type { AnswerValue } from './job/state.ts';
import { assembleText, type PageLine } from './ocr/layout.ts';
import { batchDefaults, planRecognizeBatches } from './ocr/recognizer.ts';
import { validateDetectOutput, validateRecognizeOutput } from './ocr/validate.ts';

/** The lines in reading order, and the page's text. */
export const readingOrder = <Line extends PageLine>(
  lines: readonly Line[],
  page: { readonly width: number; readonly height: number },
): { readonly lines: readonly Line[]; readonly text: string } => {
  const { text, order } = assembleText(lines, page);
  return {
    text,
    lines: order.flatMap((index) => {
      const line = lines[index];
      return line ? [line] : [];
    }),
  };
};

/** Groups of similar widths, at most `maxLines` each, by index into `widths`. */
export const planBatches = (widths: readonly number[], maxLines: number): readonly (readonly number[])[] =>
  planRecognizeBatches(widths, { ...batchDefaults, maxLines });

/** What a node answered, if it can be an answer to this input at all. */
export const toAnswerValue = <Kind extends TaskKind>(
  kind: Kind,
  output: TaskTable[Kind]['output'],
  input: TaskTable[Kind]['input'],
): Result<AnswerValue, Fault> => validators[kind](output, input);

const validators: {
  readonly [Kind in TaskKind]: (
    output: TaskTable[Kind]['output'],
    input: TaskTable[Kind]['input'],
  ) => Result<AnswerValue, Fault>;
} = {
  'ocr.detect': (output, input) => {
    const checked = validateDetectOutput(output, input);
    return checked.ok ? ok({ kind: 'ocr.detect', output: checked.value }) : checked;
  },
  'ocr.recognize': (output, input) => {
    const checked = validateRecognizeOutput(output, input);
    return checked.ok ? ok({ kind: 'ocr.recognize', lines: checked.value.lines }) : checked;
  },
};
