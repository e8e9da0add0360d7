import { blockOf } from '../../../src/ledger/block.ts';
import type { KeeperMessage } from '../../../src/ledger/keeper/index.ts';
import type { ReadMessage } from '../../../src/ledger/keeper/types.ts';
import { consensusBytes } from '../../../src/ledger/messages.ts';
import type {
  Block,
  BlockId,
  CertifiedBlock,
  LedgerState,
  ReadOperation,
} from '../../../src/ledger/types.ts';
import { badBlocks, makeBadBlock } from './badBlocks.ts';
import { KeeperHost } from './host.ts';
import type { Address, Packet } from './network.ts';

/** What Mallory gives a liar for its blocks, as of a state; by the name of an attempt, or anything. */
export type Loot = (state: LedgerState, attempt?: string) => readonly ReadOperation[];

/**
 * A keeper that lies: the production machine inside, and between it and the others whatever is worst. It can sign as itself
 * only.
 */
export class Liar extends KeeperHost {
  #loot: Loot = () => [];
  #habits:
    | {
        withhold: number;
        equivocate: number;
        invent: number;
        nod: boolean;
        /** Leads in good faith until it may end an epoch. */
        patient: boolean;
        forge: number;
        replay: number;
      }
    | undefined;
  readonly #heard: Packet[] = [];
  readonly #values: BlockId[] = [];

  corrupt(loot: Loot): void {
    const { random } = this;
    const now_and_then = () => (random.chance(0.5) ? 0 : random.between(0.1, 0.9));
    this.#loot = loot;
    this.#habits = {
      withhold: now_and_then(),
      equivocate: now_and_then(),
      invent: now_and_then(),
      nod: random.chance(0.5),
      patient: random.chance(0.3),
      forge: random.chance(0.4) ? 0.2 : 0,
      replay: random.chance(0.4) ? 0.1 : 0,
    };
    if (this.world.plan.plot) {
      this.#habits = {
        withhold: 0,
        equivocate: 0,
        invent: 1,
        nod: true,
        patient: false,
        forge: 0,
        replay: 0,
      };
      this.crashesLeft = 0;
      return;
    }
    // A fast clock ends epochs early, a slow one never.
    if (random.chance(0.3)) this.rate = random.pick([0.5, 2, 3]);
  }

  override receive(from: Address, packet: Packet): void | Promise<void> {
    const { random } = this;
    const habits = this.#habits;
    if (habits && packet.t === 'agree' && packet.message.kind === 'message') {
      const { content } = packet.message.message;
      if (content.value) this.#values.push(content.value);
      if (this.#heard.length < 60) this.#heard.push(packet);
      if (content.type === 'proposal' && packet.message.block) this.#react(content, packet.message.block);
    }
    if (habits && this.#heard.length > 0 && random.chance(habits.replay))
      this.send(random.pick(this.world.keepers), random.pick(this.#heard));
    return super.receive(from, packet);
  }

  protected override say(message: KeeperMessage): void {
    const habits = this.#habits;
    const { random } = this;
    if (!habits || message.kind === 'quorum' || message.seat !== this.seat) {
      this.sendKeepers({ t: 'agree', message });
      return;
    }
    const invented =
      this.#isTime(message.block) && random.chance(habits.invent) ? this.#invent(message) : message;
    for (const to of this.world.keepers) {
      if (to === this.address || random.chance(habits.withhold)) continue;
      const other = random.chance(habits.equivocate) ? this.#contradict(message) : invented;
      this.send(to, { t: 'agree', message: other });
      if (random.chance(habits.equivocate * 0.3))
        this.send(to, { t: 'agree', message: this.#contradict(message) });
    }
  }

  protected override tellFinal(certified: CertifiedBlock): void {
    const { world, random } = this;
    if (this.#habits && random.chance(this.#habits.withhold)) return;
    this.sendKeepers({ t: 'certified', certified });
    for (const to of world.replicas) this.send(to, { t: 'certified', certified });
  }

  protected override accuse(): void {}

  get seat(): number {
    return this.machine?.chain.keepers.findIndex(({ key }) => key === this.signer.publicKey) ?? -1;
  }

  #isTime(block: Block | undefined): boolean {
    if (this.world.plan.plot) return block !== undefined;
    return !this.#habits?.patient || block?.header.kind === 'epoch';
  }

  /** Votes for whatever it sees, at once; and tells everybody that it is final. */
  #react(content: ReadMessage['content'], block: Block): void {
    const { random, seat } = this;
    const habits = this.#habits;
    if (!habits || seat < 0) return;
    const { net, height, round } = content;
    if (habits.nod)
      for (const type of ['prevote', 'precommit'] as const)
        this.sendKeepers({
          t: 'agree',
          message: this.#sign({ net, type, height, round, value: block.id }, undefined),
        });
    if (random.chance(habits.forge))
      this.#forgeFinal(random.chance(0.5) ? block : (this.#worse(block) ?? block), round);
  }

  #forgeFinal(block: Block, round: number): void {
    const { net, height } = block.header;
    const bytes = consensusBytes({ net, type: 'precommit', height, round, value: block.id });
    const signature = this.signer.sign(bytes);
    const { machine, random, seat, world } = this;
    const n = machine?.chain.keepers.length ?? 1;
    const everybody = Array.from({ length: n }, (_, voter) => ({ voter, signature }));
    const precommits = random.pick([
      everybody,
      [{ voter: seat, signature }],
      everybody.map(() => ({ voter: seat, signature })),
    ]);
    const certified = { block, certificate: { round, precommits } };
    for (const to of [...world.keepers, ...world.replicas]) this.send(to, { t: 'certified', certified });
  }

  #invent(message: Extract<KeeperMessage, { kind: 'message' }>): KeeperMessage {
    const { content } = message.message;
    if (content.type !== 'proposal' || !message.block) return this.#contradict(message);
    const block = this.#worse(message.block);
    return block ? this.#sign({ ...content, value: block.id }, block) : message;
  }

  #contradict(message: Extract<KeeperMessage, { kind: 'message' }>): KeeperMessage {
    const { random } = this;
    const { content } = message.message;
    if (content.type === 'proposal') {
      if (!message.block) return message;
      const block = random.chance(0.5) ? this.#worse(message.block) : later(message.block);
      return block ? this.#sign({ ...content, value: block.id }, block) : message;
    }
    const value = content.value && random.chance(0.5) ? null : (this.#values.at(-1 - random.int(3)) ?? null);
    return this.#sign({ ...content, value }, undefined);
  }

  #sign(content: ReadMessage['content'], block: Block | undefined): KeeperMessage {
    const bytes = consensusBytes(content);
    const message = { content, bytes, signature: this.signer.sign(bytes) };
    return { kind: 'message', seat: this.seat, message, block };
  }

  /** A block that nobody may take. */
  #worse(block: Block): Block | undefined {
    const { machine, random, seat } = this;
    if (!machine) return undefined;
    const { chain: state } = machine;
    const loot = (attempt?: string) => this.#loot(state, attempt);
    const given = { block, state, seat, random, loot };
    const { plot } = this.world.plan;
    if (plot) return makeBadBlock(plot, given);
    for (let tries = 0; tries < 4; tries++) {
      const made = makeBadBlock(random.pick(badBlocks), given);
      if (made) return made;
    }
    return undefined;
  }
}

const later = ({ header, operations }: Block): Block =>
  blockOf({ ...header, time: header.time + 1 }, operations);
