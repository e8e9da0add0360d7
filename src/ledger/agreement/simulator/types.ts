import type {
  AgreementEvent,
  AgreementRecord,
  AgreementState,
  HeightOptions,
  Message,
  Stepped,
  ValueId,
} from '../types.ts';

/** What is simulated: the agreement itself, or, to see whether the simulator would notice, a broken one. */
export type Machine = {
  startHeight(options: HeightOptions): Stepped;
  restore(options: HeightOptions, records: readonly AgreementRecord[]): Stepped;
  step(state: AgreementState, event: AgreementEvent): Stepped;
  messagesFor(state: AgreementState): readonly Message[];
};

export type HistoryOptions = {
  readonly seed: number;
  readonly n: number;
  readonly machine?: Machine;
  /** No loss, no partition, no liar, no crash. */
  readonly calm?: boolean;
  /** One more crash: of this keeper, before the effect of that number, counted over its life. */
  readonly crashAt?: { readonly keeper: number; readonly boundary: number };
};

export type Violation = { readonly kind: 'safety' | 'liveness'; readonly message: string };

export type History = {
  readonly seed: number;
  /** The first one ends the history. */
  readonly violation: Violation | undefined;
  readonly liars: number;
  readonly steps: number;
  readonly crashes: number;
  readonly evidence: number;
  /** The round of the decision, -1 if none. */
  readonly round: number;
  /** By keeper: how many effects it carried out, so how many places there are to crash at. */
  readonly boundaries: readonly number[];
};

export type Packet = {
  readonly from: number;
  readonly messages: readonly Message[];
  /** A block that the sender asks for, or brings. */
  readonly ask?: ValueId;
  readonly answer?: ValueId;
};

/** What the world offers those in it. */
export type World = {
  readonly n: number;
  readonly height: number;
  readonly previousCreator: number;
  send(to: number, packet: Packet): void;
  after(delay: number, run: () => void): void;
  /** A new value, which not every keeper finds timely. */
  createValue(by: number, valid: boolean): ValueId;
  isValid(value: ValueId): boolean;
  /** Whether this keeper has nothing to propose, now or ever. */
  isBarren(keeper: number): boolean;
  isTimely(keeper: number, value: ValueId): boolean;
  /** Whether this keeper, about to carry out the effect of that number, crashes instead. */
  crashes(keeper: number, boundary: number): boolean;
  violate(kind: Violation['kind'], message: string): void;
};
