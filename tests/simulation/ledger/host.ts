import { unwrap } from '../../../src/core/result.ts';
import { checkCertificate } from '../../../src/ledger/certificate.ts';
import {
  createKeeper,
  type KeeperEffect,
  type KeeperEvent,
  type KeeperMessage,
  type KeeperOptions,
  type KeeperState,
  type KeeperStepped,
  keeperDefaults,
  proposalOf,
  restoreKeeper,
  stepKeeper,
} from '../../../src/ledger/keeper/index.ts';
import type { KeeperSigner } from '../../../src/ledger/keeper/types.ts';
import { consensusBytes } from '../../../src/ledger/messages.ts';
import { checkSignatures } from '../../../src/ledger/signatures.ts';
import type { CertifiedBlock, Keeper, LedgerState } from '../../../src/ledger/types.ts';
import type { SeededRandom } from '../random.ts';
import type { Address, Network, Packet } from './network.ts';
import type { LedgerPlan } from './plan.ts';
import type { Referee } from './referee.ts';
import type { Scheme } from './scheme.ts';

export type World = {
  readonly plan: LedgerPlan;
  readonly network: Network;
  readonly scheme: Scheme;
  readonly referee: Referee;
  readonly genesis: LedgerState;
  /** All who run a keeper. */
  readonly keepers: readonly Address[];
  /** Who hold replicas. */
  readonly replicas: readonly Address[];
  /** Who shall have a seat, and whose seat it is. */
  readonly joining:
    | { readonly keeper: Keeper; readonly signer: KeeperSigner; readonly leaves: Uint8Array<ArrayBuffer> }
    | undefined;
  /** By seat: what the keeper reveals first. */
  readonly beacons: readonly Uint8Array<ArrayBuffer>[];
  readonly log: (line: string) => void;
};

/** What outlives a crash: exactly what was persisted, and what was final. */
type Disk = {
  readonly records: Map<string, Uint8Array>;
  readonly blocks: CertifiedBlock[];
  readonly states: LedgerState[];
};

const blocksOfAnAnswer = 8;

/** Virtual milliseconds. */
const seenToRun = 1_000;

/**
 * A keeper's process: the production machine, driven effect by effect, with a disk that keeps what was persisted and a power plug
 * that may be pulled before any effect.
 */
export class KeeperHost {
  readonly address: Address;
  readonly world: World;
  readonly random: SeededRandom;
  readonly signer: KeeperSigner;
  /** No longer counted among the honest: its disk is an old one. */
  fallen = false;
  machine: KeeperState | undefined;
  protected crashesLeft: number;
  #disk: Disk = { records: new Map(), blocks: [], states: [] };
  #copy: Disk | undefined;
  /** Its operator says so at every start, until he has seen it run: from then on it has to know by itself. */
  #restored = false;
  #life = 0;
  #bootedAt = 0;
  /** How fast its clock goes: within what 590 of 600 parts leave room for. */
  protected rate: number;
  readonly #timers = new Map<string, number>();
  #timer = 0;
  readonly #said = new Map<string, string>();
  readonly #genuine = new WeakMap<object, Uint8Array>();

  constructor(address: Address, world: World, signer: KeeperSigner, random: SeededRandom) {
    this.address = address;
    this.world = world;
    this.signer = signer;
    this.random = random;
    this.crashesLeft = world.plan.crashes;
    this.rate = random.between(0.996, 1.004);
    world.network.attach(address, (from, packet) => this.receive(from, packet));
  }

  get name(): string {
    return `keeper ${this.address}`;
  }

  get height(): number {
    return this.#disk.blocks.length;
  }

  get state(): LedgerState {
    return this.#disk.states.at(-1) ?? this.world.genesis;
  }

  boot(): void {
    const { network } = this.world;
    const restored = this.#restored;
    this.#life += 1;
    this.#bootedAt = network.now;
    this.#timers.clear();
    const options = this.#options(restored);
    const fresh = this.#life === 1 && !restored;
    this.#take(
      fresh
        ? createKeeper(options, this.world.genesis, 0)
        : unwrap(restoreKeeper(options, { chain: this.state, records: this.#disk.records }, 0)),
    );
  }

  /** Everything in memory is gone; the disk is as it was. */
  crash(): void {
    this.world.log(`${this.name} crashes at height ${this.height}`);
    if (this.world.network.now - this.#bootedAt > seenToRun) this.#restored = false;
    this.machine = undefined;
    const life = this.#life;
    this.world.network.after(this.random.between(10, 1_500), () => {
      if (this.#life === life && !this.machine) this.boot();
    });
  }

  copyDisk(): void {
    const { records, blocks, states } = this.#disk;
    this.#copy = { records: new Map(records), blocks: [...blocks], states: [...states] };
  }

  /** Comes back with the disk as it was when it was copied. */
  restoreCopy(told: boolean): void {
    if (!this.#copy) return;
    this.world.log(`${this.name} comes back with a disk of height ${this.#copy.blocks.length}`);
    this.machine = undefined;
    this.#life += 1;
    this.#disk = this.#copy;
    this.#copy = undefined;
    this.#restored = told;
    // Nobody copies a disk back in less; what was said before has arrived by then, or never will.
    this.world.network.after(200, () => this.boot());
  }

  deliver(event: KeeperEvent): void {
    if (this.machine) this.#take(stepKeeper(this.machine, event, this.#now()));
  }

  receive(from: Address, packet: Packet): void | Promise<void> {
    const { machine } = this;
    if (!machine) return;
    switch (packet.t) {
      case 'agree':
        if (this.#holds(machine, packet.message)) this.deliver(packet.message);
        return;
      case 'operation':
        return this.#checkOperation(packet);
      case 'certified':
        return this.#checkCertified(packet.certified);
      case 'get':
        for (const certified of this.#disk.blocks.slice(packet.after, packet.after + blocksOfAnAnswer))
          this.send(from, { t: 'certified', certified });
        return;
      case 'want': {
        const message = proposalOf(machine, packet.block);
        if (message) this.send(from, { t: 'agree', message });
        return;
      }
    }
  }

  protected send(to: Address, packet: Packet): void {
    this.world.network.send(this.address, to, packet);
  }

  protected sendKeepers(packet: Packet): void {
    for (const to of this.world.keepers) if (to !== this.address) this.send(to, packet);
  }

  /** An honest keeper never contradicts itself, whatever happens to its process. */
  protected say(message: KeeperMessage): void {
    this.#watchOwn(message);
    this.sendKeepers({ t: 'agree', message });
  }

  protected tellFinal(certified: CertifiedBlock, state: LedgerState): void {
    const { referee, network, replicas } = this.world;
    referee.final(this.name, certified, state, network.now);
    this.sendKeepers({ t: 'certified', certified });
    for (const to of replicas) this.send(to, { t: 'certified', certified });
  }

  protected accuse(what: string): void {
    this.world.referee.blame(`${this.name}: ${what}`);
  }

  get honestSeats(): ReadonlySet<number> {
    const { plan } = this.world;
    const lying = new Set(plan.liars);
    return new Set(
      Array.from({ length: plan.keepers }, (_, seat) => seat).filter((seat) => !lying.has(seat)),
    );
  }

  #now(): number {
    return (this.world.network.now - this.#bootedAt) * this.rate;
  }

  #options(restored: boolean): KeeperOptions {
    return {
      ...keeperDefaults,
      signer: this.signer,
      wallAtZeroMs: 1_700_000_000_000 + this.random.int(7_200_000) - 3_600_000,
      restored,
      batchMs: 30,
      timeouts: { firstMs: 250, growthMs: 100, mostMs: 2_000 },
      resendMs: 600,
      pollMs: 1_000,
      graceMs: 300,
    };
  }

  #take([machine, effects]: KeeperStepped): void {
    this.machine = machine;
    const { plan, network } = this.world;
    for (const effect of effects) {
      const troubled = network.now < plan.healAt && this.crashesLeft > 0;
      if (troubled && this.random.chance(plan.crash)) {
        this.crashesLeft -= 1;
        this.crash();
        return;
      }
      this.#perform(effect);
    }
  }

  #perform(effect: KeeperEffect): void {
    switch (effect.kind) {
      case 'persist':
        this.#disk.records.set(effect.key, effect.record);
        return;
      case 'forget':
        // May be lost: what was to be forgotten comes back then.
        if (this.random.chance(0.2)) return;
        for (const key of this.#disk.records.keys())
          if (key.startsWith(effect.prefix)) this.#disk.records.delete(key);
        return;
      case 'broadcast':
        this.say(effect.message);
        return;
      case 'pass':
        this.sendKeepers({ t: 'operation', operation: effect.operation, from: 'keeper' });
        return;
      case 'check': {
        const life = this.#life;
        const { block, state } = effect;
        this.world.network.after(this.random.between(0, 5), async () => {
          const held = await checkSignatures(state, block.operations, this.world.scheme.port);
          if (this.#life === life) this.deliver({ kind: 'checked', block, signaturesHold: held.ok });
        });
        return;
      }
      case 'fetch':
        this.#fetch(effect);
        return;
      case 'final':
        this.#disk.blocks.push(effect.certified);
        this.#disk.states.push(effect.state);
        this.tellFinal(effect.certified, effect.state);
        return;
      case 'refused':
        this.world.log(`${this.name} refuses ${effect.operation.slice(0, 6)}: ${effect.reason}`);
        return;
      case 'evidence':
        if (this.honestSeats.has(effect.seat) && this.world.plan.newcomer !== effect.seat)
          this.accuse(`has evidence against the honest keeper ${effect.seat}`);
        return;
      case 'amnesia':
        if (!this.fallen) this.accuse(`forgot what it said at height ${effect.height}`);
        return;
      case 'dispute':
        this.accuse(`disputes height ${effect.height}: ${effect.reason}`);
        return;
      case 'timer':
        this.#setTimer(effect.name, effect.afterMs);
        return;
    }
  }

  #setTimer(name: string, afterMs: number): void {
    const timer = ++this.#timer;
    const life = this.#life;
    this.#timers.set(name, timer);
    this.world.network.after(afterMs / this.rate, () => {
      if (this.#life !== life || this.#timers.get(name) !== timer) return;
      this.#timers.delete(name);
      this.deliver({ kind: 'timer', name });
    });
  }

  #fetch({ block, after }: Extract<KeeperEffect, { kind: 'fetch' }>): void {
    if (block) {
      this.sendKeepers({ t: 'want', block });
      return;
    }
    this.sendKeepers({ t: 'get', after });
    for (const to of this.world.replicas) this.send(to, { t: 'get', after });
  }

  #holds({ chain }: KeeperState, message: KeeperMessage): boolean {
    const content = message.kind === 'quorum' ? message.quorum.content : message.message.content;
    if (content.height <= chain.position.height) return false;
    if (message.kind === 'message')
      return this.#verify(chain.keepers[message.seat]?.key, message.message, message.message);
    const bytes = consensusBytes(content);
    return message.quorum.votes.every((vote) =>
      this.#verify(chain.keepers[vote.voter]?.key, vote, { bytes, signature: vote.signature }),
    );
  }

  /** What was found genuine once need not be checked again: the very object under the very key. */
  #verify(
    key: Uint8Array | undefined,
    object: object,
    { bytes, signature }: { readonly bytes: Uint8Array; readonly signature: Uint8Array },
  ): boolean {
    if (!key) return false;
    if (this.#genuine.get(object) === key) return true;
    const holds = this.world.scheme.verify(key, bytes, signature);
    if (holds) this.#genuine.set(object, key);
    return holds;
  }

  async #checkOperation({ operation, from }: Extract<Packet, { t: 'operation' }>): Promise<void> {
    const { machine } = this;
    const life = this.#life;
    if (!machine) return;
    const checkedAgainst = machine.chain;
    const held = await checkSignatures(checkedAgainst, [operation], this.world.scheme.port);
    if (!held.ok) return;
    this.world.network.after(this.random.between(0, 3), () => {
      if (this.#life === life) this.deliver({ kind: 'operation', operation, from, checkedAgainst });
    });
  }

  async #checkCertified(certified: CertifiedBlock): Promise<void> {
    const { machine } = this;
    const life = this.#life;
    if (!machine || certified.block.header.height !== machine.chain.position.height + 1) return;
    const held = await checkCertificate(certified, machine.chain.keepers, this.world.scheme.port);
    if (held.ok && this.#life === life) this.deliver({ kind: 'certified', certified });
  }

  #watchOwn(message: KeeperMessage): void {
    if (this.fallen || message.kind !== 'message') return;
    const { address, world } = this;
    const seat = address < world.plan.keepers ? address : world.plan.newcomer;
    if (message.seat !== seat) return;
    const { content } = message.message;
    const moment = `${content.height}/${content.round}/${content.type}`;
    const words = `${content.value}/${content.type === 'proposal' ? content.validRound : ''}`;
    const before = this.#said.get(moment);
    if (before !== undefined && before !== words)
      this.accuse(`contradicts itself at ${moment}: ${before.slice(0, 6)}, then ${words.slice(0, 6)}`);
    this.#said.set(moment, words);
  }
}
