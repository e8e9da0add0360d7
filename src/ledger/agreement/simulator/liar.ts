import { leaderOf, quorumOf } from '../committee.ts';
import type { Message, Proposal, ValueId, Vote, VoteType } from '../types.ts';
import type { Chance } from './chance.ts';
import type { Packet, World } from './types.ts';

/**
 * A Byzantine keeper, out for damage at random: it tells each peer something else, withholds, comes late or far too early, claims
 * valid rounds that never were, speaks for keepers that there are not, and hands out quorums that only it has. A schemer among them
 * backs one value per round before a part of the keepers. Some vanish at the worst time, when they have just made a few keepers
 * believe something. It can't speak for others of the committee: that is what signatures are for.
 */
export class SimulatedLiar {
  readonly #self: number;
  readonly #world: World;
  readonly #chance: Chance;
  readonly #schemes: boolean;
  #hasLeft = false;
  #vanished = false;
  #newest = -1;
  readonly #values: ValueId[] = [];
  readonly #led = new Set<number>();
  readonly #valueByRound = new Map<number, ValueId>();
  readonly #packets: Message[] = [];
  /** By type, round and value: by voter. */
  readonly #votes = new Map<string, Map<number, Vote>>();

  constructor(self: number, world: World, chance: Chance, schemes: boolean) {
    this.#self = self;
    this.#world = world;
    this.#chance = chance;
    this.#schemes = schemes;
  }

  start(): void {
    if (this.#chance.happens(0.6))
      this.#world.after(this.#chance.between(50, 600), () => {
        this.#vanished = true;
      });
    this.#world.after(this.#chance.between(0, 40), () => this.#enter(0));
  }

  receive({ messages }: Packet): void {
    for (const message of messages) {
      this.#remember(message);
      // Liars hear each other's nonsense too, and don't believe it.
      if (message.round > this.#newest && message.round < this.#newest + 20) this.#enter(message.round);
    }
  }

  #remember(message: Message): void {
    if (this.#packets.length < 200) this.#packets.push(message);
    if (message.type === 'proposal') this.#note(message.round, message.value);
    if (message.type === 'certificate') for (const vote of message.votes) this.#collect(vote);
    if (message.type === 'prevote' || message.type === 'precommit') this.#collect(message);
  }

  #note(round: number, value: ValueId): void {
    if (this.#values.length < 40) this.#values.push(value);
    if (!this.#valueByRound.has(round)) this.#valueByRound.set(round, value);
  }

  #collect(vote: Vote): void {
    if (vote.value === null) return;
    const key = `${vote.type} ${vote.round} ${vote.value}`;
    const held = this.#votes.get(key) ?? new Map<number, Vote>();
    this.#votes.set(key, held.set(vote.voter, vote));
  }

  #enter(round: number): void {
    this.#newest = round;
    // Early, or whoever waits for it has voted nil by then.
    for (const led of [round, round + 1])
      if (this.#leads(led) && !this.#led.has(led) && (led === round || this.#chance.happens(0.6))) {
        this.#led.add(led);
        this.#proposeAll(led);
      }
    if (this.#schemes) {
      this.#world.after(this.#chance.between(3, 25), () => this.#scheme(round));
      return;
    }
    for (let act = this.#chance.between(0, 5); act > 0; act--)
      this.#world.after(this.#chance.between(0, 60), () => this.#act(round));
  }

  /**
   * Three plans: help the others to a quorum of prevotes and leave them alone with it, so that one of them may decide while the
   * others go on; push whatever comes next through; or back the round's value before some, and nil, or nothing, before the others.
   */
  #scheme(round: number): void {
    const value = this.#valueByRound.get(round);
    const plan = this.#chance.next();
    const pushes = (this.#hasLeft || this.#leads(round)) && plan < 0.8;
    const leaves = !pushes && plan < 0.6;
    this.#hasLeft = leaves;
    const anyShare = () => this.#chance.pick([0, 0.4, 1]) ?? 1;
    const shares = pushes ? [1, 1] : leaves ? [1, 0] : [anyShare(), anyShare()];
    for (const [type, share] of [
      ['prevote', shares[0]],
      ['precommit', shares[1]],
    ] as const)
      for (let to = 0; to < this.#world.n; to++) {
        const backed = value !== undefined && this.#chance.happens(share ?? 0) ? value : null;
        if (backed !== null || leaves || this.#chance.happens(0.6))
          this.#send(to, [this.#vote(type, round, backed)]);
      }
    if (!pushes && !leaves && this.#chance.happens(0.4)) this.#vanished = true;
  }

  #act(round: number): void {
    const whim = this.#chance.next();
    if (whim < 0.35) this.#voteAtRandom(round);
    else if (whim < 0.65) this.#support(round);
    else if (whim < 0.75) this.#voteAtRandom(this.#anyRound(round));
    else if (whim < 0.85) this.#certify();
    else if (whim < 0.93) this.#babble(round);
    else this.#replay();
  }

  #proposeAll(round: number): void {
    const earnest = this.#schemes && this.#chance.happens(0.7);
    const own = [0, 1].map(() => this.#world.createValue(this.#self, earnest || this.#chance.happens(0.85)));
    for (const value of own) this.#note(round, value);
    if (!earnest && this.#chance.happens(0.15)) return;
    const consistent = earnest || this.#chance.happens(0.2);
    const newest = this.#chance.happens(0.5) ? round : this.#chance.between(0, round);
    const feignedRound = this.#chance.happens(0.5) ? -1 : newest - 1;
    for (let to = 0; to < this.#world.n; to++) {
      const value = consistent ? own[0] : this.#chance.pick(this.#chance.happens(0.5) ? own : this.#values);
      const validRound = consistent || this.#chance.happens(0.5) ? feignedRound : round - 1;
      if (value === undefined || (!earnest && this.#chance.happens(0.1))) continue;
      this.#send(to, [this.#proposal(round, value, validRound)]);
    }
  }

  /** One value for a part of the keepers, through both types of votes: what makes a quorum that only some see. */
  #support(round: number): void {
    const value = this.#chance.pick(this.#values.slice(-3));
    if (value === undefined) return;
    const share = this.#chance.next();
    for (let to = 0; to < this.#world.n; to++) {
      if (!this.#chance.happens(share)) continue;
      const votes = [this.#vote('prevote', round, value), this.#vote('precommit', round, value)];
      this.#send(to, this.#chance.happens(0.5) ? votes : votes.slice(0, 1));
    }
  }

  #voteAtRandom(round: number): void {
    for (let to = 0; to < this.#world.n; to++) {
      if (this.#chance.happens(0.3)) continue;
      const value = this.#chance.happens(0.35) ? null : (this.#chance.pick(this.#values) ?? null);
      this.#send(to, [this.#vote(this.#anyType(), round, value)]);
    }
  }

  /** A quorum of what it collected and its own vote, for one peer; or something that only looks like a quorum. */
  #certify(): void {
    const fitting = [...this.#votes].filter(([, votes]) => votes.size >= quorumOf(this.#world.n) - 1);
    const [, votes] = this.#chance.pick(fitting) ?? [];
    const [first] = votes?.values() ?? [];
    if (!votes || !first || first.value === null) return;
    const { type: of, height, round, value } = first;
    const own = this.#vote(of, round, value);
    const all = new Map(votes).set(this.#self, own);
    const honest = [...all.values()];
    const forged = [...honest.slice(0, 1), own, own, { ...own, voter: this.#world.n }];
    const chosen = this.#chance.happens(0.7) ? honest : forged;
    this.#send(this.#anyKeeper(), [{ type: 'certificate', of, height, round, value, votes: chosen }]);
  }

  /** Votes for keepers that there are not, rounds that are none, another height, a proposal out of turn. */
  #babble(round: number): void {
    const value = this.#chance.pick(this.#values) ?? 'nonsense';
    const vote = this.#vote(this.#anyType(), round, value);
    const { n, height } = this.#world;
    const messages: Message[] = [
      { ...vote, voter: n },
      { ...vote, voter: n + 1 },
      { ...vote, voter: -1 },
      { ...vote, voter: 0.5 },
      { ...vote, round: -1 },
      { ...vote, round: Number.NaN },
      { ...vote, round: 2 ** 60 },
      { ...vote, height: height + 1 },
      this.#proposal(round + 1, value, round),
      this.#proposal(round, value, round + 7),
      { type: 'certificate', of: vote.type, height, round, value, votes: [] },
    ];
    for (let to = 0; to < n; to++) this.#send(to, messages);
  }

  #replay(): void {
    const message = this.#chance.pick(this.#packets);
    if (message) this.#send(this.#anyKeeper(), [message]);
  }

  #anyRound(round: number): number {
    const far = this.#chance.pick([1, 2, 3, 6, 1000, 10 ** 9]) ?? 1;
    return this.#chance.happens(0.5) ? round + far : this.#chance.between(0, round);
  }

  #anyType(): VoteType {
    return this.#chance.happens(0.5) ? 'prevote' : 'precommit';
  }

  #anyKeeper(): number {
    return this.#chance.between(0, this.#world.n - 1);
  }

  #leads(round: number): boolean {
    return leaderOf({ ...this.#world, round }) === this.#self;
  }

  #vote(type: VoteType, round: number, value: ValueId | null): Vote {
    return { type, height: this.#world.height, round, value, voter: this.#self };
  }

  #proposal(round: number, value: ValueId, validRound: number): Proposal {
    const { height } = this.#world;
    return { type: 'proposal', height, round, validRound, value, proposer: this.#self };
  }

  #send(to: number, messages: readonly Message[]): void {
    if (to !== this.#self && !this.#vanished) this.#world.send(to, { from: this.#self, messages });
  }
}
