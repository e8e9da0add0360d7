import { ok, type Result } from '../../core/result.ts';
import { type HeightOptions, messagesFor, restore, startHeight } from '../agreement/index.ts';
import { applyBlock } from '../apply.ts';
import type { BlockId, LedgerState } from '../types.ts';
import { epochLeftMs, epochLengthMs } from './epochTime.ts';
import { emptyPool } from './pool.ts';
import { receiveCertified, receiveChecked, receiveMessage, receiveOperation } from './receive.ts';
import {
  amnesiaKey,
  amnesiaRecord,
  type HeightRecords,
  heightPrefix,
  type ReadRecords,
  type RecordFault,
  readRecords,
  type StoredRecords,
  saidIn,
  toAgreementRecord,
} from './records.ts';
import { seatAt } from './seat.ts';
import type { KeeperState, KeeperStepped, KnownBlock } from './state.ts';
import { epochTimer, graceTimer, readAgreementTimer, resendTimer, workTimer } from './timers.ts';
import { Turn, validVerdict } from './turn.ts';
import type { KeeperEvent, KeeperMessage, KeeperOptions } from './types.ts';

/** A keeper that never ran: `chain` is the initial state of its swarm. */
export const createKeeper = (options: KeeperOptions, chain: LedgerState, now: number): KeeperStepped =>
  start(options, chain, { amnesia: false, heights: new Map() }, now);

/**
 * After a stop or a crash: `chain` is the newest final state on disk, `records` all that was persisted and not forgotten. Every
 * promise is kept: what was signed before is signed again to the same bytes, and nothing that contradicts it.
 */
export const restoreKeeper = (
  options: KeeperOptions,
  stored: { readonly chain: LedgerState; readonly records: StoredRecords },
  now: number,
): Result<KeeperStepped, RecordFault> => {
  const read = readRecords(stored.records);
  return read.ok ? ok(start(options, stored.chain, read.value, now)) : read;
};

export const step = (state: KeeperState, event: KeeperEvent, now: number): KeeperStepped => {
  const turn = new Turn(state, now);
  receive(turn, event);
  enterHeights(turn);
  return turn.end();
};

/** The answer to another keeper's `fetch` of a block. */
export const proposalOf = ({ height }: KeeperState, id: BlockId): KeeperMessage | undefined => {
  const known = height?.blocks.get(id);
  return known?.proposed && { kind: 'message', ...known.proposed, block: known.block };
};

const start = (
  options: KeeperOptions,
  chain: LedgerState,
  { amnesia, heights }: ReadRecords,
  now: number,
): KeeperStepped => {
  const { height } = chain.position;
  const turn = new Turn(
    {
      options,
      chain,
      phase: amnesia || options.restored ? 'watching' : 'quiet',
      epochBegan: now,
      pool: emptyPool,
      workDue: false,
      said: saidIn(heights.get(height + 1)?.agreement ?? []),
      height: undefined,
      promised: new Map([...heights].filter(([promised]) => promised > height)),
      ahead: [],
      askedAt: now,
    },
    now,
  );
  if (options.restored && !amnesia)
    turn.emit({ kind: 'persist', key: amnesiaKey, record: amnesiaRecord(height + 1) });
  for (const over of heights.keys())
    if (over <= height) turn.emit({ kind: 'forget', prefix: heightPrefix(over) });
  turn.emit({ kind: 'fetch', block: undefined, after: height });
  turn.emit({ kind: 'timer', name: graceTimer, afterMs: options.graceMs });
  turn.emit({ kind: 'timer', name: resendTimer, afterMs: askAgainMs(options) });
  turn.emit({ kind: 'timer', name: epochTimer, afterMs: epochLengthMs(chain) });
  return turn.end();
};

/** Several times within the grace: one question may be lost, and one that was answered may have newer answers. */
const askAgainMs = ({ graceMs, resendMs }: KeeperOptions): number =>
  Math.min(resendMs, Math.ceil(graceMs / 3) + 1);

const receive = (turn: Turn, event: KeeperEvent): void => {
  switch (event.kind) {
    case 'operation':
      receiveOperation(turn, event);
      return;
    case 'message':
    case 'quorum':
      receiveMessage(turn, event);
      return;
    case 'certified':
      receiveCertified(turn, event.certified);
      return;
    case 'checked':
      receiveChecked(turn, event.block.id, event.signaturesHold);
      return;
    case 'timer':
      receiveTimer(turn, event.name);
      return;
    default:
      event satisfies never;
  }
};

const receiveTimer = (turn: Turn, name: string): void => {
  const { state } = turn;
  switch (name) {
    case graceTimer:
      if (state.phase === 'quiet') state.phase = 'voting';
      return;
    case workTimer:
      state.workDue = false;
      if (state.height && turn.hasWork()) turn.feed({ kind: 'work' });
      return;
    case epochTimer:
      endEpoch(turn);
      return;
    case resendTimer:
      resend(turn);
      return;
  }
  const due = readAgreementTimer(name);
  if (due?.height === turn.nextHeight) turn.feed({ kind: 'timeout', round: due.round, step: due.step });
};

const endEpoch = (turn: Turn): void => {
  const { state, now } = turn;
  const afterMs = epochLeftMs(state.chain, state.epochBegan, now);
  if (afterMs > 0) turn.emit({ kind: 'timer', name: epochTimer, afterMs });
  else turn.callForWork(0);
};

/** The others may have lost anything, and may hold what was lost on the way here. */
const resend = (turn: Turn): void => {
  const { state } = turn;
  const { options, height, chain, phase } = state;
  const awake = height?.agreement.awake ?? false;
  if (height && awake) {
    for (const message of messagesFor(height.agreement)) {
      const sent = turn.messageOf(message);
      if (sent) turn.emit({ kind: 'broadcast', message: sent });
    }
    for (const wanted of height.agreement.wanted)
      turn.emit({ kind: 'fetch', block: wanted as BlockId, after: chain.position.height });
  }
  turn.emit({ kind: 'fetch', block: undefined, after: chain.position.height });
  const quietMs = phase === 'quiet' ? askAgainMs(options) : options.pollMs;
  turn.emit({ kind: 'timer', name: resendTimer, afterMs: awake ? options.resendMs : quietMs });
};

/** Takes part in the present height, if it may and doesn't yet; several in a row, if messages of the next are here already. */
const enterHeights = (turn: Turn): void => {
  const { state } = turn;
  for (let entered = -1; !state.height && entered !== turn.nextHeight; ) {
    entered = turn.nextHeight;
    if (!enterHeight(turn)) return;
    const { ahead } = state;
    state.ahead = [];
    for (const message of ahead) receiveMessage(turn, message);
  }
};

const enterHeight = (turn: Turn): boolean => {
  const { state } = turn;
  const { chain, options } = state;
  const height = turn.nextHeight;
  const records = state.promised.get(height);
  state.said = saidIn(records?.agreement ?? []);
  const seat = seatAt(options, chain);
  if (state.phase !== 'voting' || seat < 0) return false;
  const n = chain.keepers.length;
  // The committee may have shrunk below the last creator's seat.
  const place = { height, n, self: seat, previousCreator: chain.position.creator % n };
  if (records) takeUp(turn, place, records);
  else state.height = { seat, agreement: startHeight(place)[0], blocks: new Map(), records: 0 };
  if (turn.nextHeight === height && (turn.epochIsOver || state.pool.accounts.size > 0)) turn.callForWork(0);
  return true;
};

/** Goes on with what was promised before a crash. */
const takeUp = (turn: Turn, place: HeightOptions, { agreement: stored, blocks }: HeightRecords): void => {
  const { state } = turn;
  const { height, self } = place;
  const left = new Map(state.promised);
  left.delete(height);
  state.promised = left;
  const known = new Map<BlockId, KnownBlock>();
  for (const { seat, message, block } of blocks) {
    const applied = applyBlock(state.chain, block);
    if (!applied.ok) continue;
    const verdict = validVerdict(applied.value.state);
    known.set(block.id, { block, proposed: { seat, message }, verdict, onDisk: true });
  }
  const records = stored.map((record) => toAgreementRecord(height, self, record));
  const [agreement, effects] = restore(place, records);
  state.height = { seat: self, agreement, blocks: known, records: stored.length };
  if (agreement.awake) turn.emit({ kind: 'timer', name: resendTimer, afterMs: state.options.resendMs });
  turn.carryOut(effects);
};
