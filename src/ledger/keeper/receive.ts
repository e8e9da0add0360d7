import { leaderOf } from '../agreement/index.ts';
import { applyBlock } from '../apply.ts';
import type { Block, BlockId, CertifiedBlock } from '../types.ts';
import { leastEpochMs } from './epochTime.ts';
import { addOperation, isChecked } from './pool.ts';
import { amnesiaKey, amnesiaRecord, saying } from './records.ts';
import { seatAt } from './seat.ts';
import type { HeightState, KnownBlock, Proposed } from './state.ts';
import { graceTimer } from './timers.ts';
import { type Turn, validVerdict } from './turn.ts';
import type { KeeperEvent, KeeperMessage, Quorum, ReadMessage } from './types.ts';
import { type HeardProposal, toAgreement, toCertificate } from './wire.ts';

/** What comes from elsewhere: operations, what keepers say, blocks that are final. */

type Message = Extract<KeeperMessage, { kind: 'message' }>;

/** Of each keeper so many messages of the next height are kept: its proposal, its votes, and one to spare. */
const maxAhead = 4;
/** Blocks of a height that are kept though no quorum speaks of them, per keeper. */
const blocksPerKeeper = 4;
/** Proposals of one block that wait for its check. */
const maxWaiting = 8;

export const receiveOperation = (
  turn: Turn,
  { operation, from, checkedAgainst }: Extract<KeeperEvent, { kind: 'operation' }>,
): void => {
  const { state } = turn;
  const { pool, chain, options } = state;
  const added = addOperation(pool, chain, operation, checkedAgainst, options.pool);
  if (!added.ok) {
    turn.emit({ kind: 'refused', operation: operation.id, reason: added.error.message });
    return;
  }
  if (added.value === pool) return;
  if (from === 'owner') turn.emit({ kind: 'pass', operation });
  if (!takesPart(turn)) return;
  state.pool = added.value;
  turn.callForWork(options.batchMs);
};

export const receiveMessage = (turn: Turn, given: KeeperMessage): void => {
  const content = given.kind === 'quorum' ? given.quorum.content : given.message.content;
  const { state, nextHeight } = turn;
  if (content.net !== state.chain.net || content.height < nextHeight) return;
  if (content.height > nextHeight) {
    if (content.height === nextHeight + 1) keepAhead(turn, given);
    askForNews(turn);
    return;
  }
  if (given.kind === 'quorum') {
    receiveQuorum(turn, given.quorum);
    return;
  }
  const own = given.seat === seatOf(turn);
  if (own && !remembers(turn, content)) {
    forgetVoice(turn);
    return;
  }
  if (own || !state.height) return;
  if (content.type === 'proposal') {
    receiveProposal(turn, state.height, given);
    return;
  }
  const vote = toAgreement(given.seat, given.message);
  if (vote.type !== 'proposal') turn.feed({ kind: 'vote', vote });
};

export const receiveChecked = (turn: Turn, id: BlockId, hold: boolean): void => {
  const { height } = turn.state;
  const known = height?.blocks.get(id);
  if (!height || known?.verdict.kind !== 'checking') return;
  const { state, waiting } = known.verdict;
  turn.learnBlock({ ...known, verdict: hold ? validVerdict(state) : { kind: 'invalid' } });
  for (const proposed of waiting) turn.feed(proposalEvent(proposed, hold));
  if (turn.state.height?.agreement.wanted.has(id)) turn.feed({ kind: 'known', value: id, valid: hold });
};

export const receiveCertified = (turn: Turn, certified: CertifiedBlock): void => {
  const { block } = certified;
  const { chain, phase, options } = turn.state;
  const { height } = block.header;
  if (height === chain.position.height && block.id !== chain.position.head) {
    const reason = `block ${block.id} is final as well as ${chain.position.head}`;
    turn.emit({ kind: 'dispute', height, reason });
    return;
  }
  if (height < turn.nextHeight) return;
  if (height > turn.nextHeight) {
    askForNews(turn);
    return;
  }
  if (!remembersCertificate(turn, certified)) forgetVoice(turn);
  const known = turn.state.height?.blocks.get(block.id);
  const applied = known?.verdict.kind === 'valid' ? undefined : applyBlock(chain, block);
  if (applied && !applied.ok) {
    turn.emit({ kind: 'dispute', height, reason: applied.error.message });
    return;
  }
  const state = known?.verdict.kind === 'valid' ? known.verdict.state : applied?.value.state;
  if (!state) return;
  turn.adopt(certified, state);
  // Alone, every block of its own that replicas still bring means that there may be more. Among others blocks come all the time,
  // and one that waited for them to end would not vote as long as there is work.
  if (phase === 'quiet' && chain.keepers.length === 1)
    turn.emit({ kind: 'timer', name: graceTimer, afterMs: options.graceMs });
};

/** At most once in `resendMs`: a flood of messages from the future is answered by one question. */
const askForNews = (turn: Turn): void => {
  const { state, now } = turn;
  if (now - state.askedAt < state.options.resendMs) return;
  state.askedAt = now;
  turn.emit({ kind: 'fetch', block: undefined, after: state.chain.position.height });
};

const keepAhead = (turn: Turn, given: KeeperMessage): void => {
  const { ahead, chain } = turn.state;
  const alike = ahead.filter((other) =>
    given.kind === 'quorum' ? other.kind === 'quorum' : other.kind === 'message' && other.seat === given.seat,
  );
  if (given.kind === 'message') {
    if (given.seat >= chain.keepers.length) return;
    if (given.block && alike.some((other) => other.kind === 'message' && other.block)) return;
  }
  if (alike.length < maxAhead) turn.state.ahead = [...ahead, given];
};

const receiveQuorum = (turn: Turn, quorum: Quorum): void => {
  const seat = seatOf(turn);
  const own = quorum.votes.some(({ voter }) => voter === seat);
  if (own && !remembers(turn, quorum.content)) {
    forgetVoice(turn);
    return;
  }
  const certificate = toCertificate(quorum);
  if (certificate && turn.state.height) turn.feed({ kind: 'certificate', certificate });
};

const receiveProposal = (turn: Turn, height: HeightState, { seat, message, block }: Message): void => {
  const { agreement, blocks } = height;
  const proposal = toAgreement(seat, message);
  if (proposal.type !== 'proposal' || !block || block.id !== proposal.value) return;
  if (leaderOf({ ...agreement.options, round: proposal.round }) !== seat) return;
  const proposed = { proposal, timely: isTimely(turn, proposal, block) };
  const known = blocks.get(block.id);
  if (known) {
    receiveKnown(turn, known, proposed);
    return;
  }
  const earlier = agreement.rounds.get(proposal.round)?.proposed;
  // The second proposal of a liar is evidence; its block is looked at only if a quorum wants it.
  if (earlier && !agreement.wanted.has(block.id)) {
    turn.feed(proposalEvent(proposed, false));
    return;
  }
  if (!makeRoom(turn)) return;
  judge(turn, { seat, message, block }, proposed);
};

const receiveKnown = (turn: Turn, known: KnownBlock, proposed: Proposed): void => {
  const { verdict } = known;
  if (verdict.kind !== 'checking') {
    turn.feed(proposalEvent(proposed, verdict.kind === 'valid'));
    return;
  }
  if (verdict.waiting.length >= maxWaiting) return;
  turn.learnBlock({ ...known, verdict: { ...verdict, waiting: [...verdict.waiting, proposed] } });
};

const judge = (
  turn: Turn,
  { seat, message, block }: { seat: number; message: ReadMessage; block: Block },
  proposed: Proposed,
): void => {
  const { chain, pool } = turn.state;
  const known = { block, proposed: { seat, message }, onDisk: false };
  const applied = applyBlock(chain, block);
  if (!applied.ok) {
    turn.learnBlock({ ...known, verdict: { kind: 'invalid' } });
    turn.feed(proposalEvent(proposed, false));
    return;
  }
  const { state } = applied.value;
  if (isChecked(pool, chain, block.operations)) {
    turn.learnBlock({ ...known, verdict: validVerdict(state) });
    turn.feed(proposalEvent(proposed, true));
    return;
  }
  turn.learnBlock({ ...known, verdict: { kind: 'checking', state, waiting: [proposed] } });
  turn.emit({ kind: 'check', block, state: chain });
};

const proposalEvent = ({ proposal, timely }: Proposed, valid: boolean) =>
  ({ kind: 'proposal', proposal, verdict: { valid, timely } }) as const;

/**
 * What may be asked of a fresh proposal only, because keepers may differ about it: that who proposes it made it, and that the
 * epoch it ends is over by this keeper's own clock.
 */
const isTimely = (turn: Turn, { proposer }: HeardProposal, { header }: Block): boolean => {
  if (header.creator !== proposer) return false;
  if (header.kind !== 'epoch') return true;
  return turn.now - turn.state.epochBegan >= leastEpochMs(turn.state.chain);
};

/** Lets blocks go of which the agreement speaks no more. False if all that are here are still needed. */
const makeRoom = (turn: Turn): boolean => {
  const { height } = turn.state;
  if (!height) return false;
  const { agreement, blocks } = height;
  const most = blocksPerKeeper * agreement.options.n;
  if (blocks.size < most) return true;
  const left = new Map(
    [...blocks].filter(
      ([id, { verdict, onDisk }]) => onDisk || verdict.kind === 'checking' || agreement.validity.has(id),
    ),
  );
  turn.changeHeight({ blocks: left });
  return left.size < 2 * most;
};

const takesPart = (turn: Turn): boolean => turn.state.phase !== 'watching' && seatOf(turn) >= 0;

const seatOf = ({ state }: Turn): number => seatAt(state.options, state.chain);

const remembers = ({ state }: Turn, content: ReadMessage['content']): boolean => {
  const [moment, words] = saying(content);
  return state.said.get(moment) === words;
};

/** A sole keeper is to adopt what it made and forgot: nobody else could have made it (rule 3). */
const remembersCertificate = (turn: Turn, { block, certificate }: CertifiedBlock): boolean => {
  const seat = seatOf(turn);
  if (turn.state.chain.keepers.length === 1) return true;
  if (!certificate.precommits.some(({ voter }) => voter === seat)) return true;
  const { round } = certificate;
  return turn.state.said.get(`precommit/${round}`) === block.id;
};

const forgetVoice = (turn: Turn): void => {
  const { state, nextHeight } = turn;
  if (state.phase === 'watching') return;
  state.phase = 'watching';
  state.height = undefined;
  turn.emit({ kind: 'persist', key: amnesiaKey, record: amnesiaRecord(nextHeight) });
  turn.emit({ kind: 'amnesia', height: nextHeight });
};
