import type { AgreementEvent, AgreementRecord, AgreementState, Effect, Stepped, Vote } from './index.ts';
import { type Machine, tendermint } from './testDoubles.ts';
import { createRoundLog } from './votes.ts';

/**
 * Agreements with one rule broken each, made from the outside: what goes into a step or comes out of it is changed. The simulator must
 * find every one of them out, or it would not notice if the real one lost that rule.
 */
export type BrokenMachine = {
  readonly rule: string;
  readonly breaks: 'safety' | 'liveness';
  readonly machine: Machine;
};

const around = (
  before: (state: AgreementState, event: AgreementEvent) => readonly [AgreementState, AgreementEvent],
  after: (given: AgreementState, stepped: Stepped) => Stepped = (_, stepped) => stepped,
): Machine => {
  const withAfter = ([state, effects]: Stepped): Stepped => after(state, [state, effects]);
  return {
    ...tendermint,
    startHeight: (options) => withAfter(tendermint.startHeight(options)),
    restore: (options, records) => withAfter(tendermint.restore(options, records)),
    step: (state, event) => after(state, tendermint.step(...before(state, event))),
  };
};

const unchanged = (state: AgreementState, event: AgreementEvent) => [state, event] as const;

const withEvents = (change: (event: AgreementEvent, state: AgreementState) => AgreementEvent): Machine =>
  around((state, event) => [state, change(event, state)]);

const withEffects = (keeps: (effect: Effect, all: readonly Effect[]) => boolean): Machine =>
  around(unchanged, (_, [state, effects]) => [state, effects.filter((effect) => keeps(effect, effects))]);

const withRecords = (change: (record: AgreementRecord) => AgreementRecord | undefined): Machine => ({
  ...tendermint,
  restore: (options, records) =>
    tendermint.restore(
      options,
      records.flatMap((record) => change(record) ?? []),
    ),
});

/** A vote that should not count, put where nobody has voted yet. */
const inAnEmptyPlace = (state: AgreementState, vote: Vote): Vote => {
  const votes =
    state.rounds.get(vote.round)?.[vote.type].votes ?? createRoundLog(state.options.n).prevote.votes;
  const place = votes.findIndex((held, voter) => held === undefined && voter !== state.options.self);
  return place < 0 ? vote : { ...vote, voter: place };
};

const isSecond = (state: AgreementState, { round, type, voter, value }: Vote): boolean => {
  const first = state.rounds.get(round)?.[type].votes[voter];
  return first !== undefined && first.value !== value;
};

/** Pretends that there was a quorum of prevotes in whatever round a proposal names. */
const withFeignedPolka = (state: AgreementState, event: AgreementEvent): AgreementState => {
  if (event.kind !== 'proposal' || event.proposal.validRound < 0) return state;
  const { height, validRound: round, value } = event.proposal;
  const log = state.rounds.get(round) ?? createRoundLog(state.options.n);
  const certificate = { type: 'certificate', of: 'prevote', height, round, value, votes: [] } as const;
  const feigned = { ...log, prevote: { ...log.prevote, certificate } };
  return { ...state, rounds: new Map(state.rounds).set(round, feigned) };
};

export const brokenMachines: readonly BrokenMachine[] = [
  {
    rule: 'a quorum is Q',
    breaks: 'safety',
    machine: around(unchanged, (_, [state, effects]) => [
      { ...state, quorum: Math.ceil((2 * state.options.n) / 3) - 1 },
      effects,
    ]),
  },
  {
    rule: 'L23, L29: a lock is kept',
    breaks: 'safety',
    machine: around(
      (state, event) => [{ ...state, locked: undefined }, event],
      (given, [state, effects]) => [{ ...state, locked: state.locked ?? given.locked }, effects],
    ),
  },
  {
    rule: 'L28: a re-proposal needs its quorum',
    breaks: 'safety',
    machine: around((state, event) => [withFeignedPolka(state, event), event]),
  },
  {
    rule: 'L22, L36: only what is valid',
    breaks: 'safety',
    machine: withEvents((event) =>
      event.kind === 'proposal' ? { ...event, verdict: { ...event.verdict, valid: true } } : event,
    ),
  },
  {
    rule: 'only keepers vote',
    breaks: 'safety',
    machine: withEvents((event, state) =>
      event.kind === 'vote' && event.vote.voter >= state.options.n
        ? { ...event, vote: inAnEmptyPlace(state, event.vote) }
        : event,
    ),
  },
  {
    rule: 'one vote per voter',
    breaks: 'safety',
    machine: withEvents((event, state) =>
      event.kind === 'vote' && isSecond(state, event.vote)
        ? { ...event, vote: inAnEmptyPlace(state, event.vote) }
        : event,
    ),
  },
  {
    rule: 'votes are persisted',
    breaks: 'safety',
    machine: withEffects((effect) => effect.kind !== 'persist' || effect.record.kind !== 'vote'),
  },
  {
    rule: 'votes are restored',
    breaks: 'safety',
    machine: withRecords((record) => (record.kind === 'vote' ? undefined : record)),
  },
  {
    rule: 'proposals are restored',
    breaks: 'safety',
    machine: withRecords((record) => (record.kind === 'proposal' ? undefined : record)),
  },
  {
    rule: 'locks are restored',
    breaks: 'safety',
    machine: withRecords((record) => (record.kind === 'polka' ? undefined : record)),
  },
  {
    rule: 'a lock is restored with its quorum',
    breaks: 'liveness',
    machine: withRecords((record) =>
      record.kind === 'polka' ? { ...record, polka: { ...record.polka, votes: [] } } : record,
    ),
  },
  {
    rule: 'a round is restored with its precommits',
    breaks: 'liveness',
    machine: withRecords((record) => (record.kind === 'round' ? { ...record, precommits: [] } : record)),
  },
  {
    rule: 'L55: rounds are skipped',
    breaks: 'liveness',
    machine: around((state, event) => [{ ...state, newest: state.newest.map(() => -1) }, event]),
  },
  {
    rule: 'a re-proposal is judged by validity alone',
    breaks: 'liveness',
    machine: withEvents((event) =>
      event.kind === 'proposal' && event.proposal.validRound >= 0
        ? { ...event, verdict: { ...event.verdict, valid: event.verdict.valid && event.verdict.timely } }
        : event,
    ),
  },
  {
    rule: 'L34: prevotes are not waited for without end',
    breaks: 'liveness',
    machine: withEffects((effect) => effect.kind !== 'schedule' || effect.step !== 'prevote'),
  },
  {
    rule: 'a leader without a value times out too',
    breaks: 'liveness',
    machine: withEffects(
      (effect, all) => effect.kind !== 'schedule' || !all.some(({ kind }) => kind === 'build'),
    ),
  },
  {
    rule: 'what a quorum wants is fetched',
    breaks: 'liveness',
    machine: around(
      (state, event) => [{ ...state, wanted: new Set() }, event],
      (_, [state, effects]) => [state, effects.filter(({ kind }) => kind !== 'fetch')],
    ),
  },
  {
    rule: 'whole quorums are passed on',
    breaks: 'liveness',
    machine: {
      ...withEffects((effect) => effect.kind !== 'broadcast' || effect.message.type !== 'certificate'),
      messagesFor: (state) =>
        tendermint
          .messagesFor(state)
          .flatMap((message) =>
            message.type === 'certificate' && state.phase === 'open' ? message.votes : message,
          ),
    },
  },
  {
    rule: 'others’ votes are passed on',
    breaks: 'liveness',
    machine: {
      ...tendermint,
      messagesFor: (state) =>
        tendermint
          .messagesFor(state)
          .filter((message) =>
            message.type === 'certificate'
              ? message.of === 'precommit'
              : message.type === 'proposal' || message.voter === state.options.self,
          ),
    },
  },
  {
    rule: 'the precommits of the round before are passed on',
    breaks: 'liveness',
    machine: {
      ...tendermint,
      messagesFor: (state) =>
        tendermint
          .messagesFor(state)
          .filter((message) => message.type !== 'precommit' || message.round === state.round),
    },
  },
];
