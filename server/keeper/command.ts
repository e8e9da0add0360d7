import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { err, ok, type Result } from '../../src/core/result.ts';
import { parseWith } from '../../src/core/schema.ts';
import { parseAmount } from '../../src/ledger/amounts.ts';
import { accountSchema, shortText } from '../../src/ledger/schemas.ts';
import { governanceLimits } from '../../src/ledger/transition/governance/limits.ts';
import { keeperNameSchema, keeperUrlSchema } from './keyFile.ts';

/** What `npm run keeper` was asked to do. Pure: reads no file. */
export const keeperUsage = `npm run keeper -- COMMAND [options]

  init     makes a keeper's key: --name NAME --url wss://HOST/ledger --out FILE.json
           Writes FILE.json (its secret, for this host alone), FILE.public.json (to give to whoever makes the genesis) and
           FILE.worker-key.txt (recovery key of the account whose tabs work for this keeper: restore it in a browser).

  genesis  begins a ledger: --keepers A.public.json,B.public.json,… --name NAME --out genesis.cbor
           Keepers are 1, 4, 7, …: of 3f + 1 f may lie or be away. All of them and all tabs need this one file.
           --host ACCOUNT        who governs until enough VCoin are held by others; otherwise a key is made:
                                 genesis.host-key.txt
           --treasury VC         default 1000000
           --allocate ACCOUNT:VC,ACCOUNT:VC
           --epoch-seconds N     default 600

  run      keeps the ledger: --genesis genesis.cbor --key FILE.json --data FOLDER --port N
           --address ADDRESS     where to listen, default 127.0.0.1; put a proxy with TLS before it
           --origins URL,URL     whose pages may connect; * for any
           --messages-per-second N
                                 of one connection, default 50; four times that of one address
           --restored            this data comes from a backup: the key never votes again

           --next-key FILE.json  a key made by rotate: it takes over when the ledger names it, and not before

  rotate   makes a new key for a keeper, which takes its seat by a vote: --key FILE.json --out NEW.json --url https://KEEPER
           The url is that of any keeper that runs. Writes NEW.json (secret), NEW.public.json and NEW.candidate.json, which is
           to be pasted in a village under Wallet, Votes, Propose, Keepers. Then restart this keeper with --next-key NEW.json.

  candidate
           writes FILE.candidate.json, by which a key asks for a seat: --key FILE.json --url https://KEEPER
           --replaces NAME       the keeper that is to leave, or
           --with B.public.json,C.public.json
                                 the two others that come with it: each of the three writes its own text
           Neither of them: signs what is there again, because a signature holds until the epoch ends.
           --why TEXT            what everybody reads before the vote; the same for all three

  status   tells how a keeper is: --url http://HOST:PORT

A key is used in one place, with its own data. After a loss of the data make a new key (init, then candidate --replaces), and run
it with an empty data folder.
`;

export type KeeperCommand =
  | { readonly kind: 'help' }
  | { readonly kind: 'init'; readonly name: string; readonly url: string; readonly out: string }
  | {
      readonly kind: 'genesis';
      readonly keepers: readonly string[];
      readonly name: string;
      readonly out: string;
      readonly host: v.InferOutput<typeof accountSchema> | undefined;
      readonly treasury: number | undefined;
      readonly allocations: readonly {
        readonly account: v.InferOutput<typeof accountSchema>;
        readonly amount: number;
      }[];
      readonly epochSeconds: number | undefined;
    }
  | {
      readonly kind: 'run';
      readonly genesis: string;
      readonly key: string;
      readonly data: string;
      readonly port: number;
      readonly address: string;
      readonly origins: readonly string[];
      readonly messagesPerSecond: number;
      readonly restored: boolean;
      readonly nextKey: string | undefined;
    }
  | {
      readonly kind: 'rotate';
      readonly key: string;
      readonly out: string;
      readonly url: string;
      readonly why: string | undefined;
    }
  | {
      readonly kind: 'candidate';
      readonly key: string;
      readonly url: string;
      readonly replaces: string | undefined;
      readonly with: readonly string[] | undefined;
      readonly why: string | undefined;
    }
  | { readonly kind: 'status'; readonly url: string };

export const readKeeperCommand = (args: readonly string[]): Result<KeeperCommand, string> => {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help')
    return ok({ kind: 'help' });
  if (!isCommand(name)) return err(`"${name}" is no command: there are ${Object.keys(schemas).join(', ')}`);
  const flags = readFlags(name, rest);
  if (!flags.ok) return flags;
  const parsed = parseWith(schemas[name] as v.GenericSchema<unknown, KeeperCommand>, flags.value);
  return parsed.ok ? parsed : err(`keeper ${name}: --${toFlag(parsed.error.message)}`);
};

const readFlags = (
  command: keyof typeof schemas,
  args: readonly string[],
): Result<Record<string, unknown>, string> => {
  const names = Object.keys(schemas[command].pipe[0].entries);
  const options = Object.fromEntries(
    names.map((name) => [toFlag(name), { type: name === 'restored' ? 'boolean' : 'string' } as const]),
  );
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true });
    return ok(Object.fromEntries(names.map((name) => [name, values[toFlag(name)]])));
  } catch (cause) {
    return err(`keeper ${command}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
};

const isCommand = (name: string): name is keyof typeof schemas => Object.hasOwn(schemas, name);
const toFlag = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const needed = v.pipe(v.string('is needed'), v.nonEmpty('is needed'));
const listed = (text: string): readonly string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
const whole = (least: number, most: number) =>
  v.pipe(
    v.string('is needed'),
    v.regex(/^\d{1,15}$/, 'must be a whole number'),
    v.transform(Number),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(most, `must be at most ${most}`),
  );
const webAddress = 'must be like https://ana.example or http://127.0.0.1:8790';
const amount = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const read = parseAmount(dataset.value);
    if (read.ok) return read.value as number;
    addIssue({ message: read.error.message });
    return NEVER;
  }),
);
const allocations = v.pipe(
  v.string(),
  v.transform((text) => listed(text).map((pair) => pair.split(':'))),
  v.array(v.strictTuple([accountSchema, amount]), 'must be like ACCOUNT:12.5'),
  v.transform((pairs) => pairs.map(([account, of]) => ({ account, amount: of }))),
);

const keeperAddress = v.pipe(needed, v.regex(/^https?:\/\//, webAddress), v.url(webAddress));
const why = v.optional(
  v.pipe(shortText(governanceLimits.maxDescription), v.minLength(1, 'must not be empty')),
);

const as =
  <Kind extends string>(kind: Kind) =>
  <Values>(values: Values) => ({ kind, ...values });

const schemas = {
  init: v.pipe(
    v.object({ name: keeperNameSchema, url: keeperUrlSchema, out: needed }),
    v.transform(as('init')),
  ),
  genesis: v.pipe(
    v.object({
      keepers: v.pipe(needed, v.transform(listed)),
      name: needed,
      out: needed,
      host: v.optional(accountSchema),
      treasury: v.optional(amount),
      allocate: v.optional(allocations, ''),
      epochSeconds: v.optional(whole(1, 86_400)),
    }),
    v.transform(({ allocate, host, treasury, epochSeconds, ...rest }) => ({
      kind: 'genesis' as const,
      ...rest,
      host,
      treasury,
      epochSeconds,
      allocations: allocate,
    })),
  ),
  run: v.pipe(
    v.object({
      genesis: needed,
      key: needed,
      data: needed,
      port: whole(0, 65_535),
      address: v.optional(needed, '127.0.0.1'),
      origins: v.optional(v.pipe(v.string(), v.transform(listed)), ''),
      messagesPerSecond: v.optional(whole(1, 1_000_000), '50'),
      restored: v.optional(v.boolean(), false),
      nextKey: v.optional(needed),
    }),
    v.transform(as('run')),
  ),
  rotate: v.pipe(v.object({ key: needed, out: needed, url: keeperAddress, why }), v.transform(as('rotate'))),
  candidate: v.pipe(
    v.object({
      key: needed,
      url: keeperAddress,
      replaces: v.optional(keeperNameSchema),
      with: v.optional(v.pipe(v.string(), v.transform(listed))),
      why,
    }),
    v.transform(as('candidate')),
  ),
  status: v.pipe(v.object({ url: keeperAddress }), v.transform(as('status'))),
} as const;
