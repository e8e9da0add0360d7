import { readFile, writeFile } from 'node:fs/promises';
import * as v from 'valibot';
import { equalBytes, fromBase64url } from '../../src/core/bytes.ts';
import { err, type Fault, fault, ok, type Result } from '../../src/core/result.ts';
import { parseWith } from '../../src/core/schema.ts';
import {
  type Candidate,
  createCandidate,
  formatCandidate,
  parseCandidates,
} from '../../src/ledger/candidate.ts';
import type { KeeperSigner } from '../../src/ledger/keeper/index.ts';
import { exactBytes, idSchema } from '../../src/ledger/schemas.ts';
import type { Keeper, NetId } from '../../src/ledger/types.ts';
import { type KeeperFile, keysOf, publicPartOf } from './keyFile.ts';

/** How a key asks for a seat: the text that a person proposes, and what must be known of the ledger to write it. */
export type JoiningFault = Fault<'joining'>;

/** What a keeper says of the ledger at /ledger/status, as far as a newcomer needs it. */
export type KnownLedger = v.InferOutput<typeof statusSchema>;

export type Plan = Pick<Candidate, 'description' | 'remove' | 'add'>;

const refuse = (message: string) => err(fault('joining', message));

/** Believed as it is: a wrong word makes a text that every page refuses. */
export const fetchLedger = async (url: string): Promise<Result<KnownLedger, JoiningFault>> => {
  try {
    const answer = await fetch(new URL('/ledger/status', url), { signal: AbortSignal.timeout(askWithinMs) });
    if (!answer.ok) return refuse(`${url} answers ${answer.status}: is a keeper there?`);
    const read = parseWith(statusSchema, await answer.json());
    return read.ok
      ? read
      : refuse(`${url} does not say what a newcomer needs (${read.error.message}): ask an updated keeper`);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return refuse(
      `no keeper can be asked at ${url} (${reason}): name one that runs, like https://ana.example`,
    );
  }
};

/** One for one: `leaving` is its name, or its key. */
export const planReplacement = (
  { keepers }: KnownLedger,
  newcomer: Keeper,
  leaving: string | Uint8Array,
  why: string | undefined,
): Result<Plan, JoiningFault> => {
  if (isKeeper(keepers, newcomer.key)) return refuse(`${newcomer.name} is a keeper with this key already`);
  const found = keepers.filter(({ name, key }) =>
    typeof leaving === 'string' ? name === leaving : equalBytes(key, leaving),
  );
  const [seat, second] = found;
  const names = keepers.map(({ name }) => name).join(', ');
  if (!seat) {
    const whom = typeof leaving === 'string' ? `"${leaving}" is no keeper` : 'this key is no keeper’s';
    return refuse(`${whom} of this ledger now: its keepers are ${names}`);
  }
  if (second) return refuse(`two keepers are called "${seat.name}": a vote must rename one of them first`);
  const words =
    seat.name === newcomer.name
      ? `${newcomer.name} changes its key`
      : `${newcomer.name} keeps the ledger instead of ${seat.name}`;
  return ok({ description: why ?? words, remove: [seat.key], add: [newcomer] });
};

/** Three more at once: of 3f + 1 another f may fail. */
export const planThreeMore = (
  { keepers }: KnownLedger,
  newcomer: Keeper,
  others: readonly Keeper[],
  why: string | undefined,
): Result<Plan, JoiningFault> => {
  const add = [newcomer, ...others];
  if (add.length !== 3)
    return refuse(`${add.length} newcomers are named: a step is three more, so --with names the two others`);
  const known = add.find(({ key }) => isKeeper(keepers, key));
  if (known) return refuse(`${known.name} is a keeper already`);
  const names = add.map(({ name }) => name).sort();
  return ok({ description: why ?? `${names.join(', ')} keep the ledger, too`, remove: [], add });
};

export const writeCandidate = async (
  path: string,
  { net, stateRoot }: Pick<KnownLedger, 'net' | 'stateRoot'>,
  signer: KeeperSigner,
  plan: Plan,
): Promise<string> => {
  const text = formatCandidate(createCandidate({ net, ...plan }, signer, stateRoot));
  await writeFile(path, text);
  return text;
};

/** What this key asked for before; undefined: nothing yet. */
export const readCandidate = async (
  path: string,
  file: KeeperFile,
): Promise<Result<Candidate | undefined, JoiningFault>> => {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return ok(undefined);
    return refuse(`${path} can not be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const read = parseCandidates(text);
  if (!read.ok) return refuse(`${path}: ${read.error.message}`);
  const candidate = read.value.find(({ add }) => isKeeper(add, keysOf(file).signer.publicKey));
  if (!candidate || read.value.length > 1)
    return refuse(`${path} does not ask for a seat for this key: remove it, and write it again`);
  const own = publicPartOf(file);
  const said = candidate.add.find(({ key }) => equalBytes(key, own.key));
  if (said?.url !== own.url || said.name !== own.name)
    return refuse(`${path} names this keeper otherwise than its key file does: write it again`);
  return ok(candidate);
};

const isKeeper = (keepers: readonly Pick<Keeper, 'key'>[], own: Uint8Array): boolean =>
  keepers.some(({ key }) => equalBytes(key, own));

const askWithinMs = 10_000;

const text32 = v.pipe(
  v.string('is missing'),
  v.maxLength(64),
  v.transform((text) => fromBase64url(text)),
  exactBytes(32),
);
const statusSchema = v.object({
  net: idSchema<NetId>(),
  stateRoot: text32,
  epochSeconds: v.pipe(v.number(), v.integer(), v.minValue(1)),
  keepers: v.pipe(v.array(v.object({ name: v.string(), url: v.string(), key: text32 })), v.maxLength(64)),
});
