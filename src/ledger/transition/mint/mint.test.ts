import { describe, expect, it } from 'vitest';
import { equalBytes } from '../../../core/bytes.ts';
import { initialParameters } from '../../parameters.ts';
import { createPerson, createTestGenesis, createTestKeeper, type Person } from '../../testDoubles.ts';
import { commitmentOf, unitKeyOf } from './commitment.ts';
import { assignmentsOf, closeListing, earningsOf, mintLimits, rewardOf } from './index.ts';
import { setWorker, workerOf } from './state.ts';
import {
  type Answer,
  createMintWorld,
  createTerms,
  hashOf,
  honest,
  list,
  type MintWorld,
  rightOutput,
  takeTurn,
} from './testDoubles.ts';
import type { ListingContent, ListingId, Worker } from './types.ts';

const ana = createPerson('ana');
const ben = createPerson('ben');
const keepers = Array.from({ length: 4 }, (_, seat) => createTestKeeper(`${seat}`).person);
const [kim, kai, kofi, kate] = keepers as [Person, Person, Person, Person];

const begin = (
  given: {
    readonly keepers?: number;
    readonly parameters?: Parameters<typeof createTestGenesis>[0]['parameters'];
    readonly content?: Partial<ListingContent>;
  } = {},
) => {
  const genesis = createTestGenesis({ keepers: given.keepers ?? 1, parameters: given.parameters ?? {} });
  const world = createMintWorld(genesis);
  return { world, listing: list(world, createTerms({ title: 'pages', ...given.content })) };
};

/** As if the worker had done so many units, each with its reward still vesting. */
const veteran = (world: MintWorld, person: Person, streak = 10, reward = 250_000) =>
  world.change((draft) => {
    const accepted = workerOf(draft, person.id).accepted + streak;
    const vesting = Array.from({ length: streak }, (_, i) => ({ reward, at: accepted + i + 51 }));
    const worker: Worker = { streak, accepted, live: 0, unvested: streak * reward, vesting };
    draft.supply = { ...draft.supply, minted: draft.supply.minted + worker.unvested };
    setWorker(draft, person.id, worker);
  });

const enrolAll = (world: MintWorld, listing: ListingId, people: readonly Person[], units = 1) => {
  for (const person of people) expect(world.act(person, 'enrol', { listing, units })).toBeUndefined();
  world.endEpochs(2);
};

const wrong: Answer = ({ listing, unit }) => hashOf(`${listing}/${unit} is wrong`);
const silent: Answer = () => undefined;

/** Epochs in which everybody does what is due. */
const live = (world: MintWorld, answers: ReadonlyMap<Person, Answer>, epochs: number) => {
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let round = 0; round < 2; round++)
      for (const [person, answer] of answers) expect(takeTurn(world, person, answer)).toEqual([]);
    world.endEpochs();
  }
};
const everybody = (people: readonly Person[], answer: Answer = honest) =>
  new Map(people.map((person) => [person, answer]));
const told = (world: MintWorld, person: Person) =>
  world.events.filter(({ account }) => account === person.id).map(({ what }) => what);
const duty = (world: MintWorld, person: Person) =>
  assignmentsOf(world.state, person.id).map(({ what, unit, deadline }) => ({ what, unit, deadline }));

describe('a pair', () => {
  it('is a newcomer with a keeper’s worker, two epochs after both asked', () => {
    const { world, listing } = begin();
    world.act(ana, 'enrol', { listing, units: 1 });
    world.act(kim, 'enrol', { listing, units: 5 });
    world.endEpochs();
    expect(duty(world, ana)).toEqual([]); // what was revealed in this epoch was known while they enrolled
    world.endEpochs();
    expect(duty(world, ana)).toEqual([{ what: 'commit', unit: 0, deadline: 4 }]);
    expect(duty(world, kim)).toEqual([{ what: 'commit', unit: 0, deadline: 4 }]);
    expect(world.state.mint.waiting).toBe(4); // a keeper's worker without a streak does nothing alone
  });

  it('earns when its outputs match, and is paid out after further accepted units', () => {
    const { world, listing } = begin({ parameters: { vestAfter: 2 } });
    for (let unit = 0; unit < 3; unit++) {
      enrolAll(world, listing, [ana, kim]);
      live(world, everybody([ana, kim]), 2);
    }
    expect(told(world, ana)).toEqual([
      'earned 0.25 VC, vesting',
      'earned 0.25 VC, vesting',
      'earned 0.25 VC, vesting',
      'paid out',
    ]);
    expect(earningsOf(world.state, ana.id)).toEqual({
      streak: 3,
      accepted: 3,
      unvested: 500_000,
      next: { reward: 250_000, units: 1 },
    });
    expect(world.state.accounts.get(ana.id)?.balance).toBe(250_000);
    expect(world.state.mint.units.size).toBe(0);
    expect(world.state.mint.listings.get(listing)).toMatchObject({ next: 3, free: [], accepted: 3 });
  });

  it('never holds both slots, nor without a veteran', () => {
    const { world, listing } = begin();
    enrolAll(world, listing, [ana, ben]);
    expect(world.state.mint.units.size).toBe(0);
    enrolAll(world, listing, [kim], 8);
    for (const [, { slots }] of world.state.mint.units.entries()) {
      expect(slots.map(({ account }) => account)).toContain(kim.id);
      expect(new Set(slots.map(({ account }) => account)).size).toBe(2);
    }
    expect(world.state.mint.units.size).toBe(2);
  });

  it('reveals only when both have committed, and what it committed to', () => {
    const { world, listing } = begin();
    enrolAll(world, listing, [ana, kim]);
    const slotOf = (person: Person) => assignmentsOf(world.state, person.id)[0]?.slot ?? 0;
    const [mine, hers] = [slotOf(ana), slotOf(kim)];
    const output = rightOutput(listing, 0);
    const salt = hashOf('salt');
    const work = { listing, unit: 0, output, salt };
    const commitment = commitmentOf({ account: ana.id, ...work });
    expect(world.act(ana, 'commit', { listing, unit: 0, slot: mine, commitment })).toBeUndefined();
    expect(world.act(ana, 'reveal', { ...work, slot: mine })).toContain('phase "commit"');
    expect(world.act(ana, 'commit', { listing, unit: 0, slot: mine, commitment })).toContain('stands');
    // The commitment of another can be copied, and is worth nothing to who copies it.
    expect(world.act(kim, 'commit', { listing, unit: 0, slot: hers, commitment })).toBeUndefined();
    expect(world.act(kim, 'reveal', { ...work, slot: hers })).toContain('not what the slot committed to');
    expect(world.act(kim, 'reveal', { ...work, slot: mine })).toContain("not this account's");
    expect(world.act(ana, 'reveal', { ...work, slot: mine })).toBeUndefined();
    expect(world.act(ana, 'reveal', { ...work, slot: mine })).toContain('already');
  });
});

describe('outputs that differ', () => {
  it('are decided by the keeper’s own worker where there is one keeper', () => {
    const { world, listing } = begin();
    enrolAll(world, listing, [ana, kim]);
    live(
      world,
      new Map([
        [ana, wrong],
        [kim, honest],
      ]),
      2,
    );
    expect(told(world, ana)).toEqual(['forfeited 0 VC']);
    expect(told(world, kim)).toEqual(['earned 0.25 VC, vesting']);
  });

  it('need the words of two keepers’ workers of four, and burn what the liar has not been paid', () => {
    const { world, listing } = begin({ keepers: 4 });
    veteran(world, ana);
    const burned = world.state.supply.burned;
    enrolAll(world, listing, [ana, ben]);
    live(
      world,
      new Map([
        [ana, wrong],
        [ben, honest],
      ]),
      2,
    );
    const reviewer = keepers.find((keeper) => duty(world, keeper).length > 0);
    expect(keepers.filter((keeper) => duty(world, keeper)[0]?.what === 'judge')).toHaveLength(4);
    takeTurn(world, kim, honest);
    world.endEpochs();
    expect(told(world, ana)).toEqual([]);
    takeTurn(world, kofi, honest);
    world.endEpochs();
    expect(reviewer).toBeDefined();
    expect(told(world, ana)).toEqual(['forfeited 2.5 VC']);
    expect(earningsOf(world.state, ana.id)).toMatchObject({ streak: 0, unvested: 0 });
    expect(world.state.supply.burned - burned).toBe(2_500_000);
    expect(told(world, ben)).toEqual(['earned 0.25 VC, vesting']);
  });

  it('cost a keeper’s worker what it has not been paid, if it vouched for a lie', () => {
    const { world, listing } = begin({ keepers: 4 });
    veteran(world, ana);
    veteran(world, kim);
    enrolAll(world, listing, [ana, ben]);
    live(
      world,
      new Map([
        [ana, wrong],
        [ben, honest],
      ]),
      2,
    );
    const answers = new Map([
      [kim, wrong],
      [kai, honest],
      [kofi, honest],
    ]);
    live(world, answers, 1);
    expect(told(world, kim)).toEqual(['forfeited 2.5 VC']);
    expect(told(world, ben)).toEqual(['earned 0.25 VC, vesting']);
  });

  it('are void if keepers don’t speak: nobody is paid, no streak changes, and the unit is not drawn again', () => {
    const { world, listing } = begin({ keepers: 4 });
    veteran(world, ana);
    enrolAll(world, listing, [ana, ben]);
    live(
      world,
      new Map([
        [ana, wrong],
        [ben, honest],
      ]),
      2 + 3 * 3,
    );
    expect(world.state.mint.units.size).toBe(0);
    expect(earningsOf(world.state, ana.id)).toMatchObject({ streak: 10, unvested: 2_500_000 });
    expect(told(world, ben)).toEqual([]);
    expect(world.state.mint.listings.get(listing)).toMatchObject({ voided: 1, free: [], next: 1 });
  });
});

describe('a veteran', () => {
  const always = { parameters: { auditPermille: 1_000 }, keepers: 4 };

  it('works alone, and is paid when the draw has passed it by', () => {
    const { world, listing } = begin({ keepers: 4 });
    veteran(world, ana, 60);
    enrolAll(world, listing, [ana], 20);
    live(world, everybody([ana]), 1);
    expect(told(world, ana)).toEqual([]); // revealed, and the draw comes an epoch later
    live(world, everybody([ana]), 1);
    const paid = told(world, ana).filter((what) => what.startsWith('earned')).length;
    expect(paid).toBeGreaterThan(10);
    // Five of a hundred are done again.
    expect(world.state.mint.units.size).toBe(20 - paid);
  });

  it('is found out when a keeper’s worker does it again, and two of them agree', () => {
    const { world, listing } = begin(always);
    veteran(world, ana);
    enrolAll(world, listing, [ana]);
    live(world, new Map([[ana, wrong]]), 2);
    const asked = keepers.filter((keeper) => duty(world, keeper).length > 0);
    expect(asked).toHaveLength(1);
    const [reviewer = kim] = asked;
    takeTurn(world, reviewer, honest);
    // It said something else: now all are asked.
    expect(keepers.filter((keeper) => duty(world, keeper).length > 0)).toHaveLength(3);
    live(world, everybody(keepers), 1);
    expect(told(world, ana)).toEqual(['forfeited 2.5 VC']);
    expect(told(world, reviewer)).toEqual(['earned 0.25 VC, vesting']);
  });

  it('loses nothing to a keeper’s worker that lies about it', () => {
    const { world, listing } = begin(always);
    veteran(world, ana);
    enrolAll(world, listing, [ana]);
    live(world, everybody([ana]), 2);
    const liar = keepers.find((keeper) => duty(world, keeper).length > 0) ?? kim;
    takeTurn(world, liar, wrong);
    live(world, everybody(keepers.filter((keeper) => keeper !== liar)), 1);
    expect(told(world, ana)).toEqual(['earned 0.25 VC, vesting']);
    expect(told(world, liar)).toEqual(['forfeited 0 VC']);
  });

  it('waits for another reviewer if the drawn one is silent', () => {
    const { world, listing } = begin(always);
    veteran(world, ana);
    enrolAll(world, listing, [ana]);
    live(world, everybody([ana]), 2);
    const first = keepers.find((keeper) => duty(world, keeper).length > 0);
    world.endEpochs(3);
    const second = keepers.find((keeper) => duty(world, keeper).length > 0);
    expect(second).toBeDefined();
    expect(second).not.toBe(first);
    live(world, everybody(keepers), 1);
    expect(told(world, ana)).toEqual(['earned 0.25 VC, vesting']);
  });

  it('that earned its streak with cheap units is always checked at a dear one', () => {
    const { world, listing } = begin({ keepers: 4, content: { cost: 1_000_000 } });
    veteran(world, ana, 60);
    enrolAll(world, listing, [ana], 10);
    live(world, everybody([ana]), 2);
    const reviews = [...world.state.mint.units.entries()].filter(([, { phase }]) => phase === 'review');
    expect(reviews).toHaveLength(10);
  });
});

describe('a turn that passes', () => {
  it('costs nothing before a commitment; the unit is drawn again', () => {
    const { world, listing } = begin();
    veteran(world, ana);
    enrolAll(world, listing, [ana]);
    live(world, everybody([ana], silent), mintLimits.turnEpochs);
    expect(workerOf(world.state, ana.id)).toMatchObject({ streak: 10, live: 0 });
    expect(world.state.mint.listings.get(listing)).toMatchObject({ next: 1, free: [0] });
    enrolAll(world, listing, [ana]);
    expect(duty(world, ana)).toMatchObject([{ what: 'commit', unit: 0 }]);
  });

  it('costs the streak after a commitment, and nothing that was earned', () => {
    const { world, listing } = begin({ keepers: 4 });
    veteran(world, ana);
    enrolAll(world, listing, [ana, kim]);
    const commitOnly: Answer = (due) => (due.what === 'commit' ? honest(due) : undefined);
    live(
      world,
      new Map([
        [ana, commitOnly],
        [kim, honest],
      ]),
      2 + mintLimits.turnEpochs,
    );
    expect(earningsOf(world.state, ana.id)).toMatchObject({ streak: 0, unvested: 2_500_000 });
    expect(told(world, ana)).toEqual(['late: streak ended']);
  });

  it('leaves a newcomer that has committed to another partner', () => {
    const { world, listing } = begin({ keepers: 4 });
    enrolAll(world, listing, [ana, kim]);
    live(world, everybody([ana]), mintLimits.turnEpochs);
    expect(duty(world, kim)).toEqual([]);
    enrolAll(world, listing, [kai]);
    expect(duty(world, kai)).toMatchObject([{ what: 'commit', unit: 0 }]);
    live(world, everybody([ana, ...keepers]), 4);
    expect(told(world, ana)).toEqual(['earned 0.25 VC, vesting']);
    expect(told(world, kim)).not.toContain('late: streak ended');
  });

  it('gives a newcomer’s revealed output to a keeper’s worker, if its partner keeps silent', () => {
    const { world, listing } = begin({ keepers: 4 });
    enrolAll(world, listing, [ana, kim]);
    const commitOnly: Answer = (due) => (due.what === 'commit' ? honest(due) : undefined);
    const answers = new Map([
      [ana, honest],
      [kim, commitOnly],
      [kai, honest],
      [kofi, honest],
      [kate, honest],
    ]);
    live(world, answers, 8);
    expect(told(world, ana)).toEqual(['earned 0.25 VC, vesting']);
    expect(told(world, kim)).toContain('late: streak ended');
  });
});

describe('an epoch’s rewards', () => {
  it('are capped, and shared by largest remainder', () => {
    const { world, listing } = begin({ parameters: { mintCap: 500_001 }, keepers: 4 });
    enrolAll(world, listing, keepers, 3);
    const before = world.state.supply.minted;
    live(world, everybody(keepers), 3);
    const rewards = keepers.flatMap(({ id }) =>
      workerOf(world.state, id).vesting.map(({ reward }) => reward),
    );
    expect(rewards.length).toBeGreaterThan(3);
    expect(world.state.supply.minted - before).toBeLessThanOrEqual(2 * 500_001);
    expect(world.state.mint.unvested).toBe(world.state.supply.minted - before);
  });

  it('follow either formula exactly', () => {
    const parameters = { ...initialParameters(), mintRate: 250_000_000 };
    const unit = { cost: 1_234_567, cpuMilliseconds: 0, memoryMegabyteSeconds: 0 };
    expect(rewardOf(unit, parameters)).toBe(308_641_750);
    const original = { ...parameters, mintFormula: 1 };
    const hour = { cost: 1, cpuMilliseconds: 3_600_000, memoryMegabyteSeconds: 0 };
    expect(rewardOf(hour, original)).toBe(1_000_000); // 10 · 1/10 VCoin
    expect(rewardOf({ ...hour, memoryMegabyteSeconds: 3_600_000 }, original)).toBe(1_100_000); // + 10 · 1/100
    expect(rewardOf({ ...hour, cpuMilliseconds: 7 }, original)).toBe(1);
    expect(rewardOf({ ...unit, cost: mintLimits.maxCost }, { ...parameters, mintRate: 1e11 })).toBe(
      parameters.mintCap,
    );
  });
});

describe('the drawing', () => {
  it('does not depend on who asked first', () => {
    const drawn = [keepers, keepers.toReversed()].map((order) => {
      const { world, listing } = begin({ keepers: 4 });
      for (const person of keepers) world.act(person, 'enrol', { listing, units: 0 }); // opens the accounts in one order
      enrolAll(world, listing, order, 4);
      return [...world.state.mint.units.entries()];
    });
    expect(drawn[0]).toHaveLength(8);
    expect(drawn[1]).toEqual(drawn[0]);
  });

  it('gives a newcomer one unit, and forgets who does not come', () => {
    const { world, listing } = begin();
    expect(world.act(ana, 'enrol', { listing, units: 2 })).toContain('1 more units');
    expect(world.act(ana, 'enrol', { listing, units: 1 })).toBeUndefined();
    world.endEpochs(mintLimits.enrolmentEpochs + 2);
    expect(world.state.mint).toMatchObject({ waiting: 0 });
    expect(world.state.mint.enrolments.size).toBe(0);
  });

  it('leaves out listings that are closed, and finishes what was begun', () => {
    const { world, listing } = begin();
    enrolAll(world, listing, [ana, kim]);
    world.act(kim, 'enrol', { listing, units: 3 });
    expect(world.change((draft) => closeListing(draft, listing)).ok).toBe(true);
    expect(world.act(ben, 'enrol', { listing, units: 1 })).toContain('closed');
    live(world, everybody([ana, kim]), 2);
    expect(told(world, ana)).toEqual(['earned 0.25 VC, vesting']);
    expect(world.state.mint).toMatchObject({ waiting: 0 });
  });

  it('pays a slot once, whatever happens to its unit', () => {
    const { world, listing } = begin();
    enrolAll(world, listing, [ana, kim]);
    const unit = world.state.mint.units.get(unitKeyOf(listing, 0));
    live(world, everybody([ana, kim]), 2);
    // Not reachable by operations: the finished unit is put back, and done again.
    world.change((draft) => {
      if (unit) draft.mint = { ...draft.mint, units: draft.mint.units.set(unitKeyOf(listing, 0), unit) };
      for (const { id } of [ana, kim]) setWorker(draft, id, { ...workerOf(draft, id), live: 1 });
    });
    live(world, everybody([ana, kim]), 2);
    expect(told(world, ana)).toEqual(['earned 0.25 VC, vesting']);
  });
});

describe('work on a grid', () => {
  const values = 400;
  const content: Partial<ListingContent> = { match: { kind: 'grid', values, step: 1_000_000 } };
  const grid =
    (by: number, from = 0): Answer =>
    ({ unit }) =>
      Int32Array.from({ length: values }, (_, at) => 7 * unit + at + (at >= from ? by : 0));

  it('matches within a step, at places drawn after the commitment', () => {
    const { world, listing } = begin({ content });
    enrolAll(world, listing, [ana, kim]);
    live(
      world,
      new Map([
        [ana, grid(0)],
        [kim, grid(1)],
      ]),
      1,
    );
    expect(duty(world, ana)).toEqual([]);
    live(
      world,
      new Map([
        [ana, grid(0)],
        [kim, grid(1)],
      ]),
      1,
    );
    expect(assignmentsOf(world.state, ana.id)).toMatchObject([{ what: 'openings' }]);
    expect(assignmentsOf(world.state, ana.id)[0]?.places).toHaveLength(32);
    live(
      world,
      new Map([
        [ana, grid(0)],
        [kim, grid(1)],
      ]),
      2,
    );
    expect(told(world, ana)).toEqual(['earned 0.25 VC, vesting']);
  });

  it('differs if a part is two steps away', () => {
    const { world, listing } = begin({ content });
    enrolAll(world, listing, [ana, kim]);
    live(
      world,
      new Map([
        [ana, grid(2, values / 2)],
        [kim, grid(0)],
      ]),
      4,
    );
    expect(told(world, ana)).toEqual(['forfeited 0 VC']);
  });

  it('is judged with openings, too', () => {
    const { world, listing } = begin({ content, keepers: 4, parameters: { auditPermille: 1_000 } });
    veteran(world, ana);
    enrolAll(world, listing, [ana]);
    live(world, new Map([[ana, grid(5)], ...everybody(keepers, grid(0))]), 6);
    expect(told(world, ana)).toEqual(['forfeited 2.5 VC']);
  });

  it('takes no openings but those of the root at the places', () => {
    const { world, listing } = begin({ content });
    enrolAll(world, listing, [ana, kim]);
    live(world, everybody([ana, kim], grid(0)), 2);
    const switched: Answer = (due) => (due.what === 'openings' ? grid(1)(due) : undefined);
    expect(takeTurn(world, ana, switched)).toEqual([expect.stringContaining('not the blocks')]);
    const [due] = assignmentsOf(world.state, ana.id);
    const body = { listing, unit: 0, slot: due?.slot ?? 0 };
    expect(world.act(ana, 'openings', { ...body, openings: [] })).toContain('not the blocks');
  });
});

describe('a commitment', () => {
  it('is of one account, unit, output and salt', () => {
    const work = { account: ana.id, listing: hashToId('l'), unit: 1, output: hashOf('o'), salt: hashOf('s') };
    const others = [
      { ...work, account: ben.id },
      { ...work, unit: 11 },
      { ...work, output: hashOf('p') },
      { ...work, salt: hashOf('t') },
    ];
    for (const other of others) expect(equalBytes(commitmentOf(work), commitmentOf(other))).toBe(false);
    expect(commitmentOf({ ...work })).toEqual(commitmentOf(work));
  });
});

const hashToId = (text: string) => `${text}`.padEnd(43, 'A') as ListingId;
