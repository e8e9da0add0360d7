import { roundWindow } from '../bounds.ts';
import type {
  AgreementEvent,
  AgreementRecord,
  AgreementState,
  Effect,
  HeightOptions,
  Message,
  Stepped,
  ValueId,
  Vote,
} from '../types.ts';
import type { Chance } from './chance.ts';
import type { Machine, Packet, World } from './types.ts';

type Decision = Extract<Effect, { kind: 'decide' }>;

const gossipPeriod = 40;
const longestTimeout = 240;

/**
 * An honest keeper: the machine under test with a driver around it, that loses all but its records in a crash. It watches that
 * nothing is said that isn't on record, nothing that contradicts what was said before, and nobody honest accused.
 */
export class SimulatedKeeper {
  decision: Decision | undefined;
  steps = 0;
  boundaries = 0;
  crashes = 0;
  accused = new Set<number>();
  readonly #said = new Map<string, string>();
  readonly #records: AgreementRecord[] = [];
  readonly #onRecord = new Set<unknown>();
  readonly #options: HeightOptions;
  #state: AgreementState | undefined;
  #blocks = new Set<ValueId>();
  #wanted = new Set<ValueId>();
  #life = 0;
  #hasWork = false;
  readonly #world: World;
  readonly #machine: Machine;
  readonly #chance: Chance;

  constructor(self: number, world: World, machine: Machine, chance: Chance) {
    const { n, height, previousCreator } = world;
    this.#options = { n, height, previousCreator, self };
    this.#world = world;
    this.#machine = machine;
    this.#chance = chance;
  }

  start(): void {
    this.#live(() => this.#machine.startHeight(this.#options));
  }

  giveWork(): void {
    this.#hasWork = true;
    this.#take({ kind: 'work' });
  }

  receive({ from, messages, ask, answer }: Packet): void {
    if (!this.#state) return;
    if (ask !== undefined && this.#blocks.has(ask)) this.#send(from, { messages: [], answer: ask });
    if (this.decision) {
      // Whoever still votes has not heard of the decision.
      if (messages.some(isVote)) this.#send(from, { messages: this.#machine.messagesFor(this.#state) });
      return;
    }
    if (answer !== undefined) this.#learn(answer);
    for (const message of messages) this.#hear(message);
  }

  crash(): void {
    if (!this.#state || this.decision) return;
    this.crashes++;
    this.#life++;
    this.#state = undefined;
    this.#wanted = new Set();
    this.#blocks = new Set(this.#records.flatMap(valuesOf));
    this.#world.after(this.#chance.between(1, 60), () => {
      this.#live(() => this.#machine.restore(this.#options, [...this.#records]));
    });
  }

  /** Whether this keeper, if it is honest, did say that: no certificate may hold what was never said. */
  hasSaid({ type, round, value }: Vote): boolean {
    return this.#said.get(`${type} ${round}`) === String(value);
  }

  #learn(value: ValueId): void {
    this.#blocks.add(value);
    this.#wanted.delete(value);
    this.#take({ kind: 'known', value, valid: this.#world.isValid(value) });
  }

  #hear(message: Message): void {
    if (message.type === 'certificate') this.#take({ kind: 'certificate', certificate: message });
    else if (message.type !== 'proposal') this.#take({ kind: 'vote', vote: message });
    else {
      this.#blocks.add(message.value);
      const valid = this.#world.isValid(message.value);
      const timely = this.#world.isTimely(this.#options.self, message.value);
      this.#take({ kind: 'proposal', proposal: message, verdict: { valid, timely } });
    }
  }

  #take(event: AgreementEvent): void {
    if (!this.#state || this.decision) return;
    const [state, effects] = this.#machine.step(this.#state, event);
    this.#state = state;
    this.steps++;
    this.#checkBounds(state);
    this.#carryOut(effects);
  }

  #live(begin: () => Stepped): void {
    this.#life++;
    const [state, effects] = begin();
    this.#state = state;
    this.#carryOut(effects);
    if (this.#hasWork) this.#take({ kind: 'work' });
    this.#gossip();
  }

  #carryOut(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (this.#world.crashes(this.#options.self, this.boundaries++)) {
        this.crash();
        return;
      }
      this.#do(effect);
    }
  }

  #do(effect: Effect): unknown {
    switch (effect.kind) {
      case 'persist':
        this.#records.push(effect.record);
        if (effect.record.kind === 'vote') this.#onRecord.add(effect.record.vote);
        if (effect.record.kind === 'proposal') this.#onRecord.add(effect.record.proposal);
        return undefined;
      case 'broadcast':
        return this.#broadcast(effect.message);
      case 'schedule': {
        const delay = Math.min(longestTimeout, 25 + 15 * effect.round);
        return this.#later(delay, { kind: 'timeout', round: effect.round, step: effect.step });
      }
      case 'build':
        return this.#build(effect.round);
      case 'fetch':
        this.#wanted.add(effect.value);
        return this.#blocks.has(effect.value) && this.#learn(effect.value);
      case 'decide':
        this.decision = effect;
        return undefined;
      case 'evidence': {
        const { first, second } = effect;
        const author = first.type === 'proposal' ? first.proposer : first.voter;
        const other = second.type === 'proposal' ? second.proposer : second.voter;
        if (author !== other || first.type !== second.type || first.round !== second.round)
          this.#world.violate('safety', 'evidence that proves nothing');
        return this.accused.add(author);
      }
      case 'dispute':
        return this.#world.violate('safety', `a quorum for the invalid ${effect.certificate.value}`);
      default:
        return effect satisfies never;
    }
  }

  /** Not always: there may be nothing to put into a block. */
  #build(round: number): void {
    if (this.#world.isBarren(this.#options.self)) return;
    const value = this.#world.createValue(this.#options.self, true);
    const life = this.#life;
    this.#world.after(this.#chance.between(0, 3), () => {
      if (life !== this.#life) return;
      this.#blocks.add(value);
      this.#take({ kind: 'built', round, value });
    });
  }

  #later(delay: number, event: AgreementEvent): void {
    const life = this.#life;
    this.#world.after(delay, () => {
      if (life === this.#life) this.#take(event);
    });
  }

  #broadcast(message: Message): void {
    if (message.type !== 'certificate') {
      const { self } = this.#options;
      if (!this.#onRecord.has(message)) this.#world.violate('safety', `${self} says what is not on record`);
      const key = `${message.type} ${message.round}`;
      const said =
        message.type === 'proposal' ? `${message.value} ${message.validRound}` : String(message.value);
      const before = this.#said.get(key);
      if (before !== undefined && before !== said)
        this.#world.violate('safety', `${self} contradicts itself: ${key}: ${before}, then ${said}`);
      this.#said.set(key, said);
    }
    this.#sendAll({ messages: [message] });
  }

  /** To one peer at a time: all the peers get it by and by. */
  #gossip(): void {
    const life = this.#life;
    this.#world.after(this.#chance.between(1, gossipPeriod), () => {
      if (life !== this.#life || !this.#state || this.decision) return;
      const messages = this.#machine.messagesFor(this.#state);
      const to = this.#chance.between(0, this.#options.n - 1);
      if (messages.length > 0) this.#send(to, { messages });
      for (const value of this.#wanted) this.#sendAll({ messages: [], ask: value });
      this.#gossip();
    });
  }

  #send(to: number, packet: Omit<Packet, 'from'>): void {
    const { self } = this.#options;
    if (to !== self) this.#world.send(to, { ...packet, from: self });
  }

  #sendAll(packet: Omit<Packet, 'from'>): void {
    for (let to = 0; to < this.#options.n; to++) this.#send(to, packet);
  }

  #checkBounds({ rounds, validity, wanted, newest }: AgreementState): void {
    const most = 2 * (roundWindow.past + 1 + roundWindow.ahead);
    // Of each round one proposed value and one with a quorum, and those of the lock, the valid round and the commit.
    const fits = rounds.size <= most && validity.size <= 2 * most + 3 && wanted.size <= 2;
    if (!fits || newest.length !== this.#options.n) this.#world.violate('safety', 'a state out of bounds');
  }
}

const isVote = ({ type }: Message): boolean => type === 'prevote' || type === 'precommit';

const valuesOf = (record: AgreementRecord): ValueId[] => {
  switch (record.kind) {
    case 'proposal':
      return [record.proposal.value];
    case 'vote':
      return record.vote.value === null ? [] : [record.vote.value];
    case 'polka':
      return [record.polka.value];
    case 'round':
      return [];
  }
};
