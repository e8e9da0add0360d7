import { unwrap } from '../../core/result.ts';
import {
  type AgreementEvent,
  type AgreementRecord,
  type Effect,
  step as stepAgreement,
  type Vote,
} from '../agreement/index.ts';
import { applyBlock } from '../apply.ts';
import { buildEpochBlock, buildOperationsBlock } from '../build.ts';
import type { Block, BlockId, CertifiedBlock, LedgerState, ReadOperation } from '../types.ts';
import { epochLeftMs, epochLengthMs } from './epochTime.ts';
import { candidatesOf, clearPool, type Dropped, findWork, removeOperations } from './pool.ts';
import {
  blockKey,
  heightPrefix,
  proposedBlockBytes,
  recordBytes,
  recordKey,
  type Said,
  saying,
} from './records.ts';
import { signerAt } from './seat.ts';
import type { BlockVerdict, HeightState, KeeperState, KeeperStepped, KnownBlock } from './state.ts';
import { agreementTimer, epochTimer, resendTimer, timeoutMs, workTimer } from './timers.ts';
import type { KeeperEffect, KeeperMessage } from './types.ts';
import { fromAgreement, fromCertificate, signaturesOf, type Voice } from './wire.ts';

type Draft = { -readonly [Field in keyof KeeperState]: KeeperState[Field] };
type HeightDraft = { -readonly [Field in keyof HeightState]: HeightState[Field] };

const nothingSaid: Said = new Map();

/**
 * One step's working copy: carries the agreement's wishes out and moves the chain on. Whatever is promised here is on disk
 * first, because effects are carried out in order.
 */
export class Turn {
  readonly state: Draft;
  readonly now: number;
  readonly #effects: KeeperEffect[] = [];
  /** For the agreement; emptied when its height is over. */
  #events: AgreementEvent[] = [];
  #feeding = false;

  constructor(given: KeeperState, now: number) {
    this.state = { ...given };
    this.now = now;
  }

  end(): KeeperStepped {
    return [this.state, this.#effects];
  }

  emit(effect: KeeperEffect): void {
    this.#effects.push(effect);
  }

  get nextHeight(): number {
    return this.state.chain.position.height + 1;
  }

  /** Gives the agreement an event, and then all that follows from it. */
  feed(event: AgreementEvent): void {
    this.#events.push(event);
    if (this.#feeding) return;
    this.#feeding = true;
    for (let next = this.#events.shift(); next && this.state.height; next = this.#events.shift()) {
      const { height } = this.state;
      const [agreement, effects] = stepAgreement(height.agreement, next);
      this.changeHeight({ agreement });
      if (agreement.awake && !height.agreement.awake)
        this.emit({ kind: 'timer', name: resendTimer, afterMs: this.state.options.resendMs });
      this.carryOut(effects);
    }
    this.#events = [];
    this.#feeding = false;
  }

  carryOut(effects: readonly Effect[]): void {
    const { height } = this.state.chain.position;
    for (const effect of effects) {
      // Decided meanwhile: what is left was for a height that is over.
      if (this.state.chain.position.height !== height) return;
      this.#carryOutOne(effect);
    }
  }

  changeHeight(change: Partial<HeightDraft>): void {
    if (this.state.height) this.state.height = { ...this.state.height, ...change };
  }

  learnBlock(known: KnownBlock): void {
    const { height } = this.state;
    if (!height) return;
    this.changeHeight({ blocks: new Map(height.blocks).set(known.block.id, known) });
  }

  /** Moves the chain on by a block that is final. */
  adopt(certified: CertifiedBlock, state: LedgerState): void {
    const { block } = certified;
    this.emit({ kind: 'final', certified, state });
    this.emit({ kind: 'forget', prefix: heightPrefix(block.header.height) });
    const before = this.state.chain;
    this.state.chain = state;
    this.state.height = undefined;
    this.state.said = nothingSaid;
    this.#events = [];
    if (block.header.kind === 'epoch') {
      this.state.epochBegan = this.now;
      this.emit({ kind: 'timer', name: epochTimer, afterMs: epochLengthMs(state) });
      // They were checked for the keepers of before.
      if (!sameKeepers(before, state)) this.state.ahead = [];
    }
    this.#clearAfter(block);
  }

  /** Asks for work now, or soon if it is worth waiting for more of it. */
  callForWork(afterMs: number): void {
    if (this.state.workDue && afterMs > 0) return;
    this.state.workDue = true;
    this.emit({ kind: 'timer', name: workTimer, afterMs });
  }

  get epochIsOver(): boolean {
    return epochLeftMs(this.state.chain, this.state.epochBegan, this.now) === 0;
  }

  /** An epoch to end, or an operation that applies. Those that turn out not to are let go. */
  hasWork(): boolean {
    if (this.epochIsOver) return true;
    const { found, dropped } = findWork(this.state.pool, this.state.chain);
    this.#drop(dropped);
    return found;
  }

  #carryOutOne(effect: Effect): void {
    switch (effect.kind) {
      case 'persist':
        this.#persist(effect.record);
        return;
      case 'broadcast': {
        const message = this.messageOf(effect.message);
        if (message) this.emit({ kind: 'broadcast', message });
        return;
      }
      case 'build':
        this.#build(effect.round);
        return;
      case 'schedule': {
        const { round, step } = effect;
        const name = agreementTimer(this.nextHeight, round, step);
        this.emit({ kind: 'timer', name, afterMs: timeoutMs(this.state.options, round) });
        return;
      }
      case 'fetch':
        this.#fetch(effect.value as BlockId);
        return;
      case 'decide':
        this.#decide(effect.value as BlockId, effect.round, effect.precommits);
        return;
      case 'evidence': {
        const first = fromAgreement(this.#voice(), effect.first);
        const second = fromAgreement(this.#voice(), effect.second);
        this.emit({
          kind: 'evidence',
          seat: first.seat,
          first: first.message,
          second: second.message,
        });
        return;
      }
      case 'dispute': {
        const reason = `Q keepers agreed to block ${effect.certificate.value}, which these rules refuse`;
        this.emit({ kind: 'dispute', height: this.nextHeight, reason });
        return;
      }
      default:
        effect satisfies never;
    }
  }

  /** As it travels. Undefined for a proposal whose block is not here. */
  messageOf(message: Extract<Effect, { kind: 'broadcast' }>['message']): KeeperMessage | undefined {
    const voice = this.#voice();
    if (message.type === 'certificate') return { kind: 'quorum', quorum: fromCertificate(voice, message) };
    const said = fromAgreement(voice, message);
    if (message.type !== 'proposal') return { kind: 'message', ...said, block: undefined };
    const known = this.state.height?.blocks.get(message.value as BlockId);
    return known && { kind: 'message', ...said, block: known.block };
  }

  #voice(): Voice {
    const { chain, height, options } = this.state;
    return { net: chain.net, seat: height?.seat ?? -1, signer: signerAt(options, chain) };
  }

  #persist(record: AgreementRecord): void {
    const { height } = this.state;
    if (!height) return;
    const spoken =
      record.kind === 'vote' ? record.vote : record.kind === 'proposal' ? record.proposal : undefined;
    if (spoken) this.state.said = new Map(this.state.said).set(...saying(spoken));
    const voice = this.#voice();
    if (record.kind === 'proposal') {
      const known = height.blocks.get(record.proposal.value as BlockId);
      if (known && !known.proposed)
        this.learnBlock({ ...known, proposed: fromAgreement(voice, record.proposal) });
    }
    const value = spoken?.value ?? (record.kind === 'polka' ? record.polka.value : null);
    if (value !== null) this.#persistBlock(value as BlockId);
    const key = recordKey(this.nextHeight, height.records);
    this.emit({ kind: 'persist', key, record: recordBytes(voice, record) });
    this.changeHeight({ records: height.records + 1 });
  }

  #persistBlock(id: BlockId): void {
    const known = this.state.height?.blocks.get(id);
    if (!known?.proposed || known.onDisk) return;
    const record = proposedBlockBytes({ ...known.proposed, block: known.block });
    this.emit({ kind: 'persist', key: blockKey(this.nextHeight, id), record });
    this.learnBlock({ ...known, onDisk: true });
  }

  #build(round: number): void {
    const block = this.#makeBlock();
    if (!block) return;
    const { state } = unwrap(applyBlock(this.state.chain, block));
    if (!this.state.height?.blocks.has(block.id))
      this.learnBlock({ block, proposed: undefined, verdict: { kind: 'valid', state }, onDisk: false });
    this.feed({ kind: 'built', round, value: block.id });
  }

  #makeBlock(): Block | undefined {
    const { chain, height, options, pool } = this.state;
    if (!height) return undefined;
    const maker = { creator: height.seat, time: Math.max(0, Math.floor(options.wallAtZeroMs + this.now)) };
    if (this.epochIsOver) return buildEpochBlock(chain, maker);
    return buildOperationsBlock(chain, candidatesOf(pool), maker).block;
  }

  #fetch(id: BlockId): void {
    const known = this.state.height?.blocks.get(id);
    if (known && known.verdict.kind !== 'checking') {
      this.feed({ kind: 'known', value: id, valid: known.verdict.kind === 'valid' });
      return;
    }
    if (!known) this.emit({ kind: 'fetch', block: id, after: this.nextHeight - 1 });
  }

  #decide(id: BlockId, round: number, precommits: readonly Vote[]): void {
    const known = this.state.height?.blocks.get(id);
    // Its promise was on disk and the block was not: whoever decided has it, with its certificate.
    if (known?.verdict.kind !== 'valid') {
      this.emit({ kind: 'fetch', block: undefined, after: this.nextHeight - 1 });
      return;
    }
    const certificate = { round, precommits: signaturesOf(this.#voice(), precommits) };
    this.adopt({ block: known.block, certificate }, known.verdict.state);
  }

  #clearAfter({ header, operations }: Block): void {
    this.state.pool = removeOperations(this.state.pool, operations);
    const touched =
      header.kind === 'epoch'
        ? this.state.pool.accounts.keys()
        : operations.map(({ operation }) => operation.account);
    const [pool, dropped] = clearPool(this.state.pool, this.state.chain, touched);
    this.state.pool = pool;
    this.#tell(dropped);
  }

  #drop(dropped: readonly Dropped[]): void {
    this.state.pool = removeOperations(
      this.state.pool,
      dropped.map(({ operation }): ReadOperation => operation),
    );
    this.#tell(dropped);
  }

  #tell(dropped: readonly Dropped[]): void {
    for (const { operation, reason } of dropped)
      this.emit({ kind: 'refused', operation: operation.id, reason });
  }
}

export const validVerdict = (state: LedgerState): BlockVerdict => ({ kind: 'valid', state });

/** Compares identities only: an epoch moves the keepers' beacons, too. */
const sameKeepers = (before: LedgerState, after: LedgerState): boolean =>
  before.keepers.length === after.keepers.length &&
  before.keepers.every(({ key }, seat) => key.every((byte, i) => byte === after.keepers[seat]?.key[i]));
