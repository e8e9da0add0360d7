import type { PeerId } from '../../core/brand.ts';
import type {
  MembershipDeps,
  MembershipEffect,
  MembershipMessage,
  MembershipOptions,
  MembershipState,
  Stepped,
} from './membershipTypes.ts';
import { withoutSample, withSample } from './sampler.ts';

/**
 * An attempt to link is given up after so many ticks, which is later than the dialer gives it up itself: 15 s directly and
 * 10 s through the server. Giving up earlier would throw away work that a busy machine has nearly done.
 */
const connectWithin = 6;

/**
 * One step's working copy: changes and effects are collected, the given state stays as it is. A class, because a swarm in
 * the simulator takes millions of steps, and a closure for each method of each would be most of its time.
 */
export class Turn {
  readonly options: MembershipOptions;
  state: MembershipState;
  readonly #effects: MembershipEffect[] = [];
  readonly #deps: MembershipDeps;

  constructor(given: MembershipState, deps: MembershipDeps, options: MembershipOptions) {
    this.state = given;
    this.#deps = deps;
    this.options = options;
  }

  change(part: Partial<MembershipState>): void {
    this.state = { ...this.state, ...part };
  }

  known(peer: PeerId): boolean {
    const { self, active, expelled } = this.state;
    return peer === self || active.includes(peer) || expelled.includes(peer);
  }

  chance(share: number): boolean {
    return this.#deps.random.next() < share;
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.#deps.random.next() * from.length)];
  }

  sample<T>(from: readonly T[], count: number): readonly T[] {
    const left = [...from];
    const chosen: T[] = [];
    while (chosen.length < count && left.length > 0)
      chosen.push(...left.splice(Math.floor(this.#deps.random.next() * left.length), 1));
    return chosen;
  }

  emit(effect: MembershipEffect): void {
    this.#effects.push(effect);
  }

  send(to: PeerId, message: MembershipMessage): void {
    this.#effects.push({ t: 'send', to, message });
  }

  end(): Stepped {
    return [this.state, this.#effects];
  }

  wait(peer: PeerId, ticks: number): void {
    this.change({ pending: new Map(this.state.pending).set(peer, ticks) });
  }

  settle(peer: PeerId): void {
    if (!this.state.pending.has(peer)) return;
    const pending = new Map(this.state.pending);
    pending.delete(peer);
    this.change({ pending });
  }

  /** No longer a candidate. */
  forget(peer: PeerId): void {
    this.settle(peer);
    const { passive } = this.state;
    if (passive.includes(peer)) this.change({ passive: passive.filter((other) => other !== peer) });
  }

  /** Not there: a sampler that holds it begins anew. */
  bury(peer: PeerId): void {
    this.forget(peer);
    this.change({ samplers: withoutSample(this.state.samplers, peer, this.#deps.random) });
  }

  remember(peer: PeerId): void {
    const { self, expelled, samplers, passive } = this.state;
    if (peer === self || expelled.includes(peer)) return;
    const sampled = withSample(samplers, peer, this.options.samplers, this.#deps.random);
    if (sampled !== samplers) this.change({ samplers: sampled });
    if (this.known(peer) || passive.includes(peer)) return;
    const room =
      passive.length < this.options.passive
        ? passive
        : passive.toSpliced(Math.floor(this.#deps.random.next() * passive.length), 1);
    this.change({ passive: [...room, peer] });
  }

  enter(peer: PeerId, own: boolean): void {
    this.forget(peer);
    const { active, chosen } = this.state;
    if (active.includes(peer)) return;
    this.change({ active: [...active, peer], chosen: own ? [...chosen, peer] : chosen });
    this.emit({ t: 'neighbor-up', peer });
  }

  leave(peer: PeerId): boolean {
    const { active, chosen } = this.state;
    if (!active.includes(peer)) return false;
    this.change({
      active: active.filter((other) => other !== peer),
      chosen: chosen.filter((other) => other !== peer),
    });
    this.emit({ t: 'neighbor-down', peer });
    return true;
  }

  /** Said to the other side, which then looks for somebody else. */
  dismiss(peer: PeerId): void {
    if (!this.leave(peer)) return;
    this.send(peer, { t: 'disconnect' });
    this.emit({ t: 'close', peer });
    this.remember(peer);
  }

  connect(peer: PeerId): void {
    const { pending, tried } = this.state;
    if (this.known(peer) || pending.has(peer)) return;
    this.wait(peer, connectWithin);
    this.change({ tried: new Set(tried).add(peer) });
    this.emit({ t: 'connect', peer });
  }

  /** Somebody to link to: out of the even sample, and only if nobody is left there, out of hearsay. */
  candidate(): PeerId | undefined {
    const { samplers, passive } = this.state;
    const sampled = samplers.flatMap(({ peer }) => (peer !== undefined && this.#isOpen(peer) ? [peer] : []));
    return this.pick(sampled) ?? this.pick(passive.filter((peer) => this.#isOpen(peer)));
  }

  #isOpen(peer: PeerId): boolean {
    return !this.known(peer) && !this.state.tried.has(peer) && !this.state.pending.has(peer);
  }

  /** Nobody can hide a small room: whoever adds names to it makes it a large one. */
  isSmallRoom(): boolean {
    const { active, passive, others } = this.state;
    return Math.max(others, active.length + passive.length) < this.options.cap;
  }

  wanted(): number {
    return this.isSmallRoom() ? this.options.cap - 1 : this.options.target;
  }

  /** How many neighbours may be there uninvited. */
  guests(): number {
    return this.isSmallRoom() ? this.options.cap : this.options.cap - this.options.target;
  }

  /** Asks until enough neighbours are there or asked, and enough of them by own choice. */
  fill(): void {
    const { active, chosen, pending } = this.state;
    const missing =
      Math.max(this.wanted() - active.length, this.options.chosen - chosen.length) - pending.size;
    for (let left = missing; left > 0; left--) {
      const peer = this.candidate();
      if (peer === undefined) return;
      this.connect(peer);
    }
  }

  /** Neighbours who came by themselves. */
  uninvited(): number {
    return this.state.active.length - this.state.chosen.length;
  }

  /**
   * Who should go, if there are too many: first of those it chose beyond its need, whom nobody misses, and only then of
   * those who came by themselves, who will look for another. Of them the worst served, then the distant, then the newest.
   */
  surplus(): PeerId | undefined {
    const { active, chosen } = this.state;
    if (this.isSmallRoom()) return undefined;
    const worth = (peer: PeerId) => this.#deps.score(peer) - this.#deps.cost(peer);
    if (active.length > this.options.plenty && chosen.length > this.options.chosen)
      return worstOf(chosen, worth);
    if (active.length <= this.options.most) return undefined;
    return worstOf(
      active.filter((peer) => !chosen.includes(peer)),
      worth,
    );
  }

  hasRoom(): boolean {
    return this.uninvited() < this.guests() && this.state.active.length < this.options.cap;
  }

  /** Makes room below the cap if that costs nobody who serves well. */
  makeRoom(): boolean {
    if (this.hasRoom()) return true;
    const worst = worstOf(this.state.active, this.#deps.score);
    if (worst === undefined || this.#deps.score(worst) >= 0) return false;
    this.dismiss(worst);
    return true;
  }
}

const worstOf = (peers: readonly PeerId[], score: (peer: PeerId) => number): PeerId | undefined =>
  peers.reduce<PeerId | undefined>(
    (worst, peer) => (worst === undefined || score(peer) <= score(worst) ? peer : worst),
    undefined,
  );
