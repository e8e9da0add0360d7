import { type Message, messagesFor, quorumOf, restore, startHeight, step, type VoteType } from './index.ts';
import { Chance } from './simulator/chance.ts';
import { SimulatedKeeper } from './simulator/keeper.ts';
import { SimulatedLiar } from './simulator/liar.ts';
import { Timeline } from './simulator/timeline.ts';
import type { History, HistoryOptions, Machine, Packet, Violation, World } from './simulator/types.ts';
import { calmWeather, type Weather, weatherFrom } from './simulator/weather.ts';

export type { History, HistoryOptions, Machine } from './simulator/types.ts';

export const tendermint: Machine = { startHeight, restore, step, messagesFor };

/** Until the network heals, nobody hears these votes of this keeper, or only one keeper hears these votes at all. */
type Veil = { readonly mute: number; readonly onlyTo: number };

const noVeil: Veil = { mute: -1, onlyTo: -1 };

/** So long after healing everybody has to have decided: more than 50 of the longest rounds. */
const patience = 40_000;
/**
 * One height of n keepers from seed to decision, the same every time: up to f of them lie, messages are lost, doubled, late and out of
 * order, the network parts, honest keepers crash between any two effects. Then the network heals, but for a loss now and then; liars go
 * on. The result is the first breach: two decisions, a contradiction, an unproven certificate, or somebody honest who never decides.
 */
export const runHistory = (options: HistoryOptions): History => new Simulation(options).run();

class Simulation implements World {
  readonly n: number;
  readonly height: number;
  readonly previousCreator: number;
  readonly #seed: number;
  readonly #chance: Chance;
  readonly #weather: Weather;
  readonly #crashAt: HistoryOptions['crashAt'];
  readonly #timeline = new Timeline<() => void>();
  readonly #keepers: SimulatedKeeper[] = [];
  readonly #peers: (SimulatedKeeper | SimulatedLiar)[] = [];
  readonly #keeperAt = new Map<number, SimulatedKeeper>();
  readonly #timelyBy = new Map<string, readonly boolean[]>();
  readonly #veils = new Map<string, Veil>();
  #sides: readonly number[];
  #mute = -1;
  #deaf = -1;
  #now = 0;
  #violation: Violation | undefined;

  constructor({ seed, n, machine = tendermint, calm = false, crashAt }: HistoryOptions) {
    const chance = new Chance(seed);
    this.#seed = seed;
    this.#chance = chance;
    this.n = n;
    this.height = chance.pick([1, 63, 64]) ?? 1;
    this.previousCreator = chance.between(0, n - 1);
    this.#weather = calm ? calmWeather : weatherFrom(chance, n);
    this.#crashAt = crashAt;
    this.#sides = new Array<number>(n).fill(0);
    const firstLiar = chance.between(0, n - 1);
    for (let index = 0; index < n; index++)
      this.#admit(index, (index - firstLiar + n) % n < this.#weather.liars, machine);
  }

  run(): History {
    for (const peer of this.#peers) peer.start();
    for (const keeper of this.#keepers)
      this.after(this.#chance.between(0, this.#weather.healsAt >> 2), () => keeper.giveWork());
    if (this.#weather.parts) this.#part();
    const { blackoutAt } = this.#weather;
    if (typeof blackoutAt === 'number') this.after(blackoutAt, () => this.#blackOut());
    const end = this.#weather.healsAt + patience;
    let undecided = this.#keepers.length;
    let blackoutPending = this.#weather.blackoutAt === 'decision';
    while (!this.#violation && undecided > 0) {
      const next = this.#timeline.pop();
      if (!next || next.at > end) break;
      this.#now = next.at;
      next.item();
      undecided = 0;
      for (const { decision } of this.#keepers) if (!decision) undecided++;
      if (blackoutPending && undecided < this.#keepers.length) {
        blackoutPending = false;
        this.after(this.#chance.between(0, 40), () => this.#blackOut());
      }
    }
    this.#checkDecisions();
    if (undecided > 0)
      this.violate('liveness', `${undecided} of ${this.#keepers.length} honest keepers never decide`);
    return this.#report();
  }

  send(to: number, packet: Packet): void {
    const { drop, duplicate, slowest } = this.#weather;
    const chance = this.#chance;
    const healed = this.#isHealed();
    const { from } = packet;
    const parted =
      !healed && (this.#sides[from] !== this.#sides[to] || this.#mute === from || this.#deaf === to);
    if (parted && (this.#keeperAt.has(from) || chance.happens(0.5))) return;
    if (chance.happens(healed ? Math.min(drop, 0.05) : drop)) return;
    const messages = healed ? packet.messages : this.#unveiled(packet, to);
    const arriving = messages === packet.messages ? packet : { ...packet, messages };
    const copies = !healed && chance.happens(duplicate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++)
      this.after(chance.between(1, healed ? 4 : slowest), () => this.#peers[to]?.receive(arriving));
  }

  after(delay: number, run: () => void): void {
    this.#timeline.push(this.#now + delay, run);
  }

  createValue(by: number, valid: boolean): string {
    const value = `${valid ? 'block' : 'bad block'} ${this.#timelyBy.size} of ${by}`;
    const share = this.#isHealed() && this.#keeperAt.has(by) ? 0 : this.#weather.untimely;
    const timely = Array.from({ length: this.n }, (_, index) => index === by || !this.#chance.happens(share));
    this.#timelyBy.set(value, timely);
    return value;
  }

  isValid(value: string): boolean {
    return value.startsWith('block');
  }

  isBarren(keeper: number): boolean {
    return keeper === this.#weather.barren || (!this.#isHealed() && this.#chance.happens(0.05));
  }

  isTimely(keeper: number, value: string): boolean {
    return this.#timelyBy.get(value)?.[keeper] ?? false;
  }

  crashes(keeper: number, boundary: number): boolean {
    if (this.#crashAt?.keeper === keeper && this.#crashAt.boundary === boundary) return true;
    return !this.#isHealed() && this.#chance.happens(this.#weather.crash);
  }

  violate(kind: Violation['kind'], message: string): void {
    this.#violation ??= { kind, message };
  }

  #admit(index: number, lies: boolean, machine: Machine): void {
    if (lies) {
      this.#peers.push(
        new SimulatedLiar(index, this, this.#chance, this.#chance.happens(this.#weather.schemers)),
      );
      return;
    }
    const keeper = new SimulatedKeeper(index, this, machine, this.#chance);
    this.#keepers.push(keeper);
    this.#peers.push(keeper);
    this.#keeperAt.set(index, keeper);
  }

  #unveiled({ messages, from }: Packet, to: number): readonly Message[] {
    if (this.#weather.veil === 0 || !this.#keeperAt.has(from)) return messages;
    return messages.filter((message) => {
      if (message.type === 'proposal') return true;
      const isWhole = message.type === 'certificate';
      const { mute, onlyTo } = this.#veilOf(isWhole ? message.of : message.type, message.round);
      return (isWhole ? from : message.voter) !== mute && (onlyTo < 0 || onlyTo === to);
    });
  }

  /** Mostly of precommits: while they are veiled the next round begins, and may go wrong. */
  #veilOf(type: VoteType, round: number): Veil {
    const known = this.#veils.get(`${type} ${round}`);
    if (known) return known;
    const veil = this.#chance.happens(this.#weather.veil * (type === 'precommit' ? 1 : 0.3))
      ? this.#anyVeil()
      : noVeil;
    this.#veils.set(`${type} ${round}`, veil);
    return veil;
  }

  #anyVeil(): Veil {
    const keeper = this.#chance.between(0, this.n - 1);
    return this.#chance.happens(0.7) ? { mute: keeper, onlyTo: -1 } : { mute: -1, onlyTo: keeper };
  }

  /** Some, or all, crash at once. */
  #blackOut(): void {
    for (const keeper of this.#keepers) if (this.#chance.happens(0.8)) keeper.crash();
  }

  #isHealed(): boolean {
    return this.#now >= this.#weather.healsAt;
  }

  /** Into one, two or three sides, again and again; links may fail one way only. */
  #part(): void {
    const sides = this.#chance.pick([1, 1, 1, 2, 2, 3]) ?? 1;
    this.#mute = this.#chance.between(-2, this.n - 1);
    this.#deaf = this.#chance.between(-this.n, this.n - 1);
    this.#sides = this.#sides.map(() => this.#chance.between(1, sides));
    if (!this.#isHealed()) this.after(this.#chance.between(20, 250), () => this.#part());
  }

  #checkDecisions(): void {
    const decisions = this.#keepers.flatMap(({ decision }) => decision ?? []);
    const values = new Set(decisions.map(({ value }) => value));
    if (values.size > 1) this.violate('safety', `two decisions: ${[...values].join(' and ')}`);
    for (const { round, value, precommits } of decisions) {
      if (!this.isValid(value)) this.violate('safety', `decided ${value}`);
      const voters = new Set<number>();
      for (const vote of precommits) {
        const keeper = this.#keeperAt.get(vote.voter);
        const genuine = vote.voter < this.n && (keeper?.hasSaid(vote) ?? true);
        if (vote.type === 'precommit' && vote.round === round && vote.value === value && genuine)
          voters.add(vote.voter);
      }
      if (voters.size < quorumOf(this.n) || voters.size !== precommits.length)
        this.violate('safety', `decided ${value} without a quorum`);
    }
    for (const { accused } of this.#keepers)
      for (const keeper of accused)
        if (this.#keeperAt.has(keeper)) this.violate('safety', `accused ${keeper}, who is honest`);
  }

  #report(): History {
    const keepers = this.#keepers;
    const sum = (count: (keeper: SimulatedKeeper) => number) =>
      keepers.reduce((total, keeper) => total + count(keeper), 0);
    return {
      seed: this.#seed,
      violation: this.#violation,
      liars: this.#weather.liars,
      steps: sum(({ steps }) => steps),
      crashes: sum(({ crashes }) => crashes),
      evidence: sum(({ accused }) => accused.size),
      round: Math.max(-1, ...keepers.map(({ decision }) => decision?.round ?? -1)),
      boundaries: Array.from({ length: this.n }, (_, index) => this.#keeperAt.get(index)?.boundaries ?? 0),
    };
  }
}
