import type { AccountId, DeviceId } from '../core/brand.ts';
import { type Bytes, concatBytes, toBase64url } from '../core/bytes.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import { type Act, idPrefix } from './acts.ts';
import { follows, inOrder } from './chains.ts';
import { type ActId, admissionLimits } from './protocol.ts';
import type { Standing } from './standing.ts';

export type LogFault = Fault<
  /** it follows acts that aren't here: ask for them first */
  | 'gap'
  /** neither the founder's nor an operator's, past or present */
  | 'author'
  | 'full'
>;

/** All acts that this peer knows of; `standingOf` says what they come to. A value: adding makes another one. */
export type Log = {
  readonly founder: AccountId;
  readonly acts: ReadonlyMap<ActId, Act>;
  readonly highestLamport: number;
  readonly actsOfOperators: number;
  /** Everybody whom an act of the founder's calls operator, whether that act counts or not: whose acts are kept. */
  readonly named: ReadonlySet<AccountId>;
};

export const emptyLog = (founder: AccountId): Log => ({
  founder,
  acts: new Map(),
  highestLamport: 0,
  actsOfOperators: 0,
  named: new Set(),
});

/** The same log if the act is known already. */
export const addAct = (log: Log, act: Act): Result<Log, LogFault> => {
  if (log.acts.has(act.id)) return ok(log);
  const isFounders = act.author.account === log.founder;
  const objection = whyNotKept(log, act, isFounders);
  if (objection) return err(objection);
  const { deed } = act;
  const names = isFounders && deed.t === 'grant' && deed.role === 'operator';
  return ok({
    founder: log.founder,
    acts: new Map(log.acts).set(act.id, act),
    highestLamport: Math.max(log.highestLamport, act.lamport),
    actsOfOperators: log.actsOfOperators + (isFounders ? 0 : 1),
    named: names ? new Set([...log.named, deed.account]) : log.named,
  });
};

/** Whether one more act of this account has room: asked before one is made. */
export const whyFull = (log: Log, author: AccountId): LogFault | undefined => {
  const { maxActs, maxActsOfOperators } = admissionLimits;
  const advice = 'found a new swarm and send its link to those who should be in it';
  if (log.acts.size >= maxActs)
    return fault('full', `this swarm's log has its ${maxActs} acts and takes no more: ${advice}`);
  return author !== log.founder && log.actsOfOperators >= maxActsOfOperators
    ? fault('full', `this swarm's log has its ${maxActsOfOperators} acts of operators: ${advice}`)
    : undefined;
};

/** The device's newest act that counts in its chain: what its next one follows. */
export const chainEnd = (log: Log, standing: Standing, device: DeviceId): Act | undefined =>
  [...log.acts.values()]
    .filter(({ id, author }) => author.device === device && standing.voided.get(id)?.code !== 'fork')
    .sort((a, b) => b.seq - a.seq)[0];

/** What this peer has, for another to compare: the first bytes of every id, in no order that matters. */
export const summaryOf = (log: Log): Bytes => concatBytes(...[...log.acts.keys()].map(idPrefix));

/** What somebody with that summary lacks, in an order in which it can be added; a page of it. */
export const missingFrom = (
  log: Log,
  summary: Uint8Array,
): { readonly acts: readonly Bytes[]; readonly more: boolean } => {
  const { prefixBytes, pageActs } = admissionLimits;
  const has = new Set<string>();
  for (let at = 0; at + prefixBytes <= summary.byteLength; at += prefixBytes)
    has.add(toBase64url(summary.subarray(at, at + prefixBytes)));
  const missing = [...log.acts.values()]
    .filter(({ id }) => !has.has(toBase64url(idPrefix(id))))
    .sort(inOrder);
  return { acts: missing.slice(0, pageActs).map(({ bytes }) => bytes), more: missing.length > pageActs };
};

const whyNotKept = (log: Log, act: Act, isFounders: boolean): LogFault | undefined => {
  if (act.lamport > log.highestLamport + 1)
    return fault('gap', `it knew of act ${act.lamport - 1}, the newest here is ${log.highestLamport}`);
  const previous = log.acts.get(act.previous);
  if (previous ? previous.author.device !== act.author.device || !follows(act, previous) : act.seq > 0)
    return fault('gap', 'the act before it in its chain is not here');
  if (!previous && !follows(act, undefined))
    return fault('gap', 'it does not begin its chain as a first act');
  if (!isFounders && !log.named.has(act.author.account))
    return fault('author', 'its author has never been operator of this swarm');
  return whyFull(log, act.author.account);
};
