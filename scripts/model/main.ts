import { build } from './build.ts';
import type { Command } from './command.ts';
import { type Io, Stop, sentenceOf } from './io.ts';
import { inspect, print, verify } from './look.ts';
import { merge } from './merge.ts';
import { parseOptions } from './options.ts';
import { quantize } from './quantize.ts';
import { split } from './split.ts';
import { train } from './train.ts';

const commands: Readonly<Record<string, Command>> = {
  inspect,
  print,
  verify,
  build,
  quantize,
  split,
  merge,
  train,
};

/** Does what the arguments ask for. 0: done; 1: failed, or a file is faulty; 2: asked for wrongly. Throws for bugs alone. */
export const main = async (args: readonly string[], io: Io): Promise<0 | 1 | 2> => {
  const [name = '', ...rest] = args;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) return nameCommands(name, io);
  try {
    const options = parseOptions(rest, command.options);
    if (options.flag('help')) {
      io.out(usageOf(name, command));
      return 0;
    }
    return (await command.run(options, io)) ? 0 : 1;
  } catch (cause) {
    if (!(cause instanceof Stop) && !isSystemFault(cause)) throw cause;
    io.note(`${sentenceOf(cause)}\n`);
    if (!(cause instanceof Stop) || cause.exitCode === 1) return 1;
    io.note(`\n${usageOf(name, command)}\n`);
    return 2;
  }
};

const nameCommands = (name: string, io: Io): 0 | 2 => {
  const asked = name === '--help' || name === '-h' || name === 'help';
  if (asked) io.out(usage);
  else io.note(`${name === '' ? 'Which command?' : `There is no command ${name}.`}\n\n${usage}\n`);
  return asked ? 0 : 2;
};

const usageOf = (name: string, { usage: text }: Command): string =>
  `npm run model -- ${name} ${text}\n  --json                 one JSON object as the last line, in place of text`;

const usage = `npm run model -- COMMAND …
${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`)
  .join('\n')}
Each says more with --help. docs/models.md has examples.`;

const isSystemFault = (cause: unknown): boolean =>
  cause instanceof Error && 'syscall' in cause && 'code' in cause;
