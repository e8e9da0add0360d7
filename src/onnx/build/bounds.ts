import { err, ok, type Result } from '../../core/result.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';

/** What is wrong with a field, as a clause of a sentence; undefined if nothing is. */
type Problem = string | undefined;

/** A spec may come from a message: the checks don't trust its types. All problems are reported at once. */
export const checkSpec = (what: string, problems: readonly Problem[]): Result<void, OnnxFault> => {
  const found = problems.filter((problem) => problem !== undefined);
  return found.length === 0 ? ok(undefined) : err(onnxFault('invalid', `${what}: ${found.join('; ')}`));
};

export const whole = (name: string, value: unknown, least: number, most: number): Problem =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
    ? undefined
    : `${name} is ${shown(value)}, and must be a whole number from ${least} to ${most}`;

export const between = (name: string, value: unknown, least: number, most: number): Problem =>
  typeof value === 'number' && value >= least && value <= most
    ? undefined
    : `${name} is ${shown(value)}, and must be a number from ${least} to ${most}`;

export const oneOf = (name: string, value: unknown, choices: readonly unknown[]): Problem =>
  choices.includes(value)
    ? undefined
    : `${name} is ${shown(value)}, and must be ${choices.map(shown).join(' or ')}`;

export const wholes = (name: string, values: unknown, least: number, most: number, longest: number) =>
  !Array.isArray(values) || values.length > longest
    ? [`${name} must be a list of at most ${longest}`]
    : values.map((value: unknown, i) => whole(`${name}[${i}]`, value, least, most));

/** Only where both are numbers that make sense: the other problem is reported by itself. */
export const divides = (part: string, divisor: unknown, whole: string, value: unknown): Problem =>
  typeof divisor === 'number' && typeof value === 'number' && divisor > 0 && value % divisor !== 0
    ? `${part} (${divisor}) does not divide ${whole} (${value})`
    : undefined;

const shown = (value: unknown): string =>
  typeof value === 'string'
    ? JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
    : typeof value === 'object' && value !== null
      ? 'an object'
      : String(value);
