import * as v from 'valibot';
import { equalBytes, fromBase64url, toBase64url, toHex } from '../core/bytes.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import { parseWith } from '../core/schema.ts';
import { idSchema, keeperSchema, keySchema, shortText, signatureSchema } from './schemas.ts';
import { keepersAfter } from './transition/governance/actions/keepers.ts';
import { governanceLimits } from './transition/governance/limits.ts';
import { countersignatureMessage, proposalIdOf } from './transition/governance/proposals.ts';
import type { Action, Countersignature, GovernanceBodies } from './transition/governance/types.ts';
import type { Keeper, LedgerState, NetId } from './types.ts';

/**
 * A change of keepers as its newcomers give it to whoever proposes it: a public text. A newcomer signs the id of the proposal,
 * which is a hash of every word of it, at the state after the last epoch: so the words are part of the text, can't be changed
 * afterwards, and the signatures hold until the epoch ends. Three newcomers give three texts that differ in their signatures alone.
 */
export type Candidate = {
  readonly net: NetId;
  readonly description: string;
  readonly remove: Action<'keepers'>['remove'];
  readonly add: Action<'keepers'>['add'];
  readonly countersignatures: readonly Countersignature[];
};

export type CandidateFault = Fault<'candidate'>;

export type NewcomerSigner = {
  readonly publicKey: Keeper['key'];
  sign(message: Uint8Array): Countersignature['signature'];
};

export const proposalOfCandidate = ({
  description,
  remove,
  add,
  countersignatures,
}: Candidate): GovernanceBodies['propose'] => ({
  description,
  actions: [{ kind: 'keepers', remove, add }],
  countersignatures,
});

export const countersignatureOf = (
  signer: NewcomerSigner,
  net: NetId,
  proposal: string,
  stateRoot: Countersignature['stateRoot'],
): Countersignature => ({
  key: signer.publicKey,
  stateRoot,
  signature: signer.sign(countersignatureMessage(net, proposal, stateRoot)),
});

/** Newcomers in the order of their keys, whoever writes it: three operators must come to one proposal. */
export const createCandidate = (
  given: Pick<Candidate, 'net' | 'description' | 'remove' | 'add'>,
  signer: NewcomerSigner,
  stateRoot: Countersignature['stateRoot'],
): Candidate => {
  const add = [...given.add].sort((a, b) => (toHex(a.key) < toHex(b.key) ? -1 : 1));
  const unsigned = { ...given, add, countersignatures: [] };
  const id = proposalIdOf(proposalOfCandidate(unsigned));
  return { ...unsigned, countersignatures: [countersignatureOf(signer, given.net, id, stateRoot)] };
};

/** All of one proposal; of what one newcomer signed twice the last counts. */
export const mergeCandidates = (candidates: readonly Candidate[]): Result<Candidate, CandidateFault> => {
  const [first] = candidates;
  if (!first) return refuse('there is no text of a newcomer here: paste what `npm run keeper` wrote');
  const id = proposalIdOf(proposalOfCandidate(first));
  const other = candidates.find(
    (one) => one.net !== first.net || proposalIdOf(proposalOfCandidate(one)) !== id,
  );
  if (other)
    return refuse(
      `these texts are of two proposals (“${first.description}”, “${other.description}”): newcomers of one proposal need the same words, and all of them in --with`,
    );
  const byKey = new Map(
    candidates.flatMap((one) => one.countersignatures).map((one) => [toHex(one.key), one]),
  );
  return ok({ ...first, countersignatures: [...byKey.values()] });
};

/** Keepers as they would be; refuses what the ledger would refuse of it now, but for the signatures themselves. */
export const checkCandidate = (
  state: LedgerState,
  { net, remove, add, countersignatures }: Omit<Candidate, 'description'>,
): Result<readonly Keeper[], CandidateFault> => {
  if (net !== state.net)
    return refuse(`this is for another ledger (${net}), not for this one (${state.net})`);
  const after = keepersAfter(state.nextKeepers, { kind: 'keepers', remove, add });
  if (!after.ok) return refuse(after.error.message);
  const unsigned = add.filter(({ key }) => !countersignatures.some((one) => equalBytes(one.key, key)));
  if (unsigned.length > 0)
    return refuse(
      `${unsigned.map(({ name }) => name).join(', ')} did not sign it yet: paste the text of each newcomer`,
    );
  if (countersignatures.length > add.length) return refuse('somebody signed it who is no newcomer of it');
  if (countersignatures.some(({ stateRoot }) => !equalBytes(stateRoot, state.position.stateRoot)))
    return refuse(
      'it was signed in another epoch, and holds for one only: write it again with `npm run keeper -- candidate`, and paste it within the epoch',
    );
  return after;
};

export const formatCandidate = ({ remove, add, countersignatures, ...rest }: Candidate): string =>
  `${JSON.stringify(
    {
      v: 1,
      ...rest,
      remove: remove.map(toBase64url),
      add: add.map((keeper) => ({
        ...keeper,
        key: toBase64url(keeper.key),
        beacon: toBase64url(keeper.beacon),
      })),
      countersignatures: countersignatures.map(({ key, stateRoot, signature }) => ({
        key: toBase64url(key),
        stateRoot: toBase64url(stateRoot),
        signature: toBase64url(signature),
      })),
    },
    undefined,
    2,
  )}\n`;

/** Pasted or opened: one text, or several after each other. */
export const parseCandidates = (text: string): Result<readonly Candidate[], CandidateFault> => {
  if (text.length > maxTextLength)
    return refuse(`this text has ${text.length} characters, at most ${maxTextLength} are read`);
  const found: Candidate[] = [];
  for (const part of text.split(/^(?=\{)/m)) {
    if (part.trim() === '') continue;
    const read = parseOne(part);
    if (!read.ok) return read;
    found.push(read.value);
  }
  return ok(found);
};

const maxTextLength = 64 * 1024;

const parseOne = (text: string): Result<Candidate, CandidateFault> => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse(
      'this is no text of a newcomer: paste the whole *.candidate.json that `npm run keeper` wrote',
    );
  }
  const read = parseWith(candidateSchema, value);
  if (!read.ok) return refuse(`this is no text of a newcomer: ${read.error.message}`);
  const { v: _, ...candidate } = read.value;
  return ok(candidate);
};

/** Bytes as base64url, then whatever holds for the bytes. */
const textOf = <Schema extends typeof keySchema | typeof signatureSchema>(bytes: Schema) =>
  v.pipe(
    v.string(),
    v.maxLength(128),
    v.transform((text) => fromBase64url(text)),
    bytes,
  );
const keyText = textOf(keySchema);

const candidateSchema = v.strictObject({
  v: v.literal(1, 'is of another version: reload the page, or update the keeper'),
  net: idSchema<NetId>(),
  description: v.pipe(shortText(governanceLimits.maxDescription), v.minLength(1)),
  remove: v.pipe(v.array(keyText), v.maxLength(3)),
  add: v.pipe(
    v.array(v.strictObject({ ...keeperSchema.entries, key: keyText, beacon: keyText })),
    v.minLength(1),
    v.maxLength(3),
  ),
  countersignatures: v.pipe(
    v.array(v.strictObject({ key: keyText, stateRoot: keyText, signature: textOf(signatureSchema) })),
    v.maxLength(3),
  ),
});

const refuse = (message: string) => err(fault('candidate', message));
