import { describe, expect, it } from 'vitest';
import { brokenMachines } from './brokenMachines.ts';
import type { AgreementState, Stepped } from './index.ts';
import { type HistoryOptions, type Machine, runHistory, tendermint } from './testDoubles.ts';

const breachesOf = (histories: Iterable<HistoryOptions>): string[] => {
  const breaches: string[] = [];
  for (const options of histories) {
    const { violation } = runHistory(options);
    if (violation) breaches.push(`seed ${options.seed}, n ${options.n}: ${violation.message}`);
  }
  return breaches;
};

function* seeds(n: number, from: number, to: number): Generator<HistoryOptions> {
  for (let seed = from; seed < to; seed++) yield { seed, n };
}

/** For a machine that does much else besides. */
const patient = { timeout: 30_000 };

describe('histories of a height', patient, () => {
  it.each([
    [4, 0, 600],
    [4, 600, 1_200],
    [4, 1_200, 1_700],
    [7, 0, 200],
    [10, 0, 30],
    [1, 0, 40],
    [2, 0, 40],
    [6, 0, 40],
  ])('of %i keepers, from seed %i to %i, end in one decision that nobody goes back on', (n, from, to) => {
    expect(breachesOf(seeds(n, from, to))).toEqual([]);
  });

  it('are the same for the same seed', () => {
    expect(runHistory({ seed: 11, n: 4 })).toEqual(runHistory({ seed: 11, n: 4 }));
  });

  it('are as bad as they say', () => {
    const histories = [...seeds(4, 0, 100)].map(runHistory);
    expect(histories.some(({ round }) => round > 2)).toBe(true);
    expect(histories.some(({ crashes }) => crashes > 3)).toBe(true);
    expect(histories.some(({ liars, evidence }) => liars > 0 && evidence > 0)).toBe(true);
  });
});

describe('a crash', patient, () => {
  it('before any effect of any keeper, when all else is well, is survived', () => {
    for (const calm of [true, false]) {
      const { boundaries } = runHistory({ seed: 3, n: 4, calm });
      const crashes = boundaries.flatMap((count, keeper) =>
        Array.from({ length: count }, (_, boundary) => ({ keeper, boundary })),
      );
      expect(crashes.length).toBeGreaterThan(20);
      expect(breachesOf(crashes.map((crashAt) => ({ seed: 3, n: 4, calm, crashAt })))).toEqual([]);
    }
  });
});

/** Throws where a step changes what it was given. */
const frozen: Machine = {
  ...tendermint,
  step: (state, event) => freeze(tendermint.step(state, event)),
};

const freeze = (stepped: Stepped): Stepped => {
  freezeAll(stepped);
  return stepped;
};

const freezeAll = (value: unknown): void => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const part of value instanceof Map ? value.values() : Object.values(value)) freezeAll(part);
};

describe('a step', () => {
  it('leaves alone what it is given', () => {
    for (const options of seeds(4, 0, 60))
      expect(runHistory({ ...options, machine: frozen })).toEqual(runHistory(options));
  });

  it('answers the same question the same way', () => {
    const twice: Machine = {
      ...tendermint,
      step: (state: AgreementState, event) => {
        const [first, second] = [tendermint.step(state, event), tendermint.step(state, event)];
        expect(second).toEqual(first);
        return first;
      },
    };
    expect(runHistory({ seed: 5, n: 4, machine: twice }).violation).toBeUndefined();
  });
});

describe('a broken rule is found out', patient, () => {
  /** Where it is found first. If the simulator changes, the test says where it is found now. */
  const foundAt: Readonly<Record<string, number>> = {
    'a quorum is Q': 0,
    'L23, L29: a lock is kept': 419,
    'L28: a re-proposal needs its quorum': 405,
    'L22, L36: only what is valid': 3,
    'only keepers vote': 4,
    'one vote per voter': 16,
    'votes are persisted': 0,
    'votes are restored': 31,
    'proposals are restored': 149,
    'locks are restored': 499,
    'a lock is restored with its quorum': 78,
    'a round is restored with its precommits': 2014,
    'L55: rounds are skipped': 353,
    'a re-proposal is judged by validity alone': 2439,
    'L34: prevotes are not waited for without end': 0,
    'a leader without a value times out too': 9,
    'what a quorum wants is fetched': 459,
    'whole quorums are passed on': 8,
    'others’ votes are passed on': 94,
    'the precommits of the round before are passed on': 8,
  };

  it.each(brokenMachines)('$rule ($breaks)', ({ rule, breaks, machine }) => {
    const isFound = (seed: number) => runHistory({ seed, n: 4, machine }).violation?.kind === breaks;
    const known = foundAt[rule] ?? 0;
    let seed = known;
    for (let next = 0; next < 3_000 && !isFound(seed); next++) seed = next;
    expect(seed).toBe(known);
    expect(runHistory({ seed, n: 4 }).violation).toBeUndefined();
  });
});
