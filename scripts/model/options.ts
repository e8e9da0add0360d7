import { type ParseArgsConfig, parseArgs } from 'node:util';
import { misused } from './io.ts';

type Kinds = NonNullable<ParseArgsConfig['options']>;

/** What was asked for: what stands alone, and options by name. Getters refuse what is no such thing, naming the option. */
export type Options = {
  readonly files: readonly string[];
  flag(name: string): boolean;
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
  number(name: string, least: number, most: number): number | undefined;
  whole(name: string, least: number, most?: number): number | undefined;
  numbers(name: string): readonly number[] | undefined;
  choice<const T extends string>(name: string, choices: readonly T[]): T | undefined;
};

export const parseOptions = (args: readonly string[], kinds: Kinds): Options => {
  const { values, positionals } = parse(args, { ...common, ...kinds });
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  const number = (name: string, least: number, most: number): number | undefined => {
    const given = text(name);
    if (given === undefined) return undefined;
    const value = numberOf(given);
    if (value >= least && value <= most) return value;
    throw misused(`--${name} is '${given}': a number from ${least} to ${most} is needed.`);
  };
  return {
    files: positionals,
    flag: (name) => values[name] === true,
    text,
    texts(name) {
      const value = values[name];
      return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
    },
    number,
    whole(name, least, most = Number.MAX_SAFE_INTEGER) {
      const value = number(name, least, most);
      if (value === undefined || Number.isSafeInteger(value)) return value;
      throw misused(`--${name} is '${value}': a whole number is needed.`);
    },
    numbers(name) {
      const given = text(name);
      const found = given?.split(',').map(numberOf);
      if (found?.every(Number.isFinite) !== false) return found;
      throw misused(`--${name} is '${given}': numbers with commas between them are needed, such as 1,0.5.`);
    },
    choice(name, choices) {
      const given = text(name);
      const found = choices.find((one) => one === given);
      if (given === undefined || found !== undefined) return found;
      throw misused(`There is no --${name} ${given}: it is ${choices.join(', ')}.`);
    },
  };
};

/** `a*b` matches what begins with a and ends with b. */
export const matcherOf = (patterns: readonly string[]): ((name: string) => boolean) => {
  const escaped = patterns.map((pattern) =>
    pattern
      .split(/\*+/)
      .map((piece) => piece.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
      .join('.*'),
  );
  const expressions = escaped.map((pattern) => new RegExp(`^${pattern}$`, 's'));
  return (name) => expressions.some((expression) => expression.test(name));
};

/** Where the result goes: every command that writes has it. */
export const outputOf = (options: Options): string => {
  const path = options.text('output');
  if (path) return path;
  throw misused('Where to? Name it with -o.');
};

export const onlyFile = (options: Options): string => {
  const [file, more] = options.files;
  if (file === undefined) throw misused('Which file?');
  if (more !== undefined) throw misused(`One file is needed, and '${more}' is another.`);
  return file;
};

const common: Kinds = {
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  output: { type: 'string', short: 'o' },
};

const numberOf = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));

const parse = (args: readonly string[], options: Kinds) => {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (cause) {
    // Its sentences name the option and say what is missing.
    throw misused(cause instanceof Error ? cause.message : String(cause));
  }
};
