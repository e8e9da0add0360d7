import { describe, expect, it } from 'vitest';
import type { JobId, Milliseconds } from '../core/brand.ts';
import { creditSeries } from './charts/series.ts';
import { fixtureLedger, ledgerScenarios } from './ledgerDoubles.ts';
import { fixtureTelemetry, telemetryScenarios } from './telemetryDoubles.ts';
import { createFixtureApp, fixtureScenarios, fixtureStart } from './testDoubles.ts';

const clock = { now: () => fixtureStart as Milliseconds, monotonic: () => 0 as Milliseconds };
const timers = { after: () => () => {}, every: () => () => {} };
const open = (scenario: (typeof fixtureScenarios)[number]) => createFixtureApp(scenario, { clock, timers });

describe.each(fixtureScenarios)('the scripted app, %s', (scenario) => {
  it('is the same every time', () => {
    const values = ({ models: { telemetry, ...rest } }: ReturnType<typeof open>) =>
      [...Object.values(rest), ...Object.values(telemetry)].map((store) => store.get());
    expect(values(open(scenario))).toEqual(values(open(scenario)));
  });

  it('keeps the promises of the real one', () => {
    const { models } = open(scenario);
    const credits = models.credits.get();
    const series = creditSeries(credits);
    expect(series.earned.at(-1) ?? 0).toBe(credits.earned);
    expect(series.spent.at(-1) ?? 0).toBe(credits.spent);
    for (const job of models.jobs.get())
      for (const page of job.pages)
        for (const { quad } of page.lines) {
          expect(Math.max(quad[0], quad[2], quad[4], quad[6])).toBeLessThanOrEqual(page.width);
          expect(Math.max(quad[1], quad[3], quad[5], quad[7])).toBeLessThanOrEqual(page.height);
        }
  });
});

it('a command of the scripted app changes what its stores show', async () => {
  const app = open('streaming');
  await app.commands.cancelJob('job-streaming' as JobId);
  expect(app.models.jobs.get()[0]?.state).toEqual({ phase: 'cancelled' });
  await app.commands.removeJob('job-streaming' as JobId);
  expect(app.models.jobs.get().some((job) => job.id === 'job-streaming')).toBe(false);
});

describe.each(ledgerScenarios)('the scripted ledger, %s', (scenario) => {
  const ledger = fixtureLedger(scenario, fixtureStart);
  it('is the same every time', () => expect(fixtureLedger(scenario, fixtureStart)).toEqual(ledger));

  it('keeps the promises of the real one', () => {
    if (ledger.phase !== 'open') return;
    const { chain, wallet, governance, market } = ledger;
    const held = chain.holdings.reduce((sum, { amount }) => sum + amount, 0);
    expect(held).toBe(chain.supply.minted - chain.supply.burned);
    for (const list of [wallet.history.map(({ key }) => key), wallet.pending.map(({ id }) => id)])
      expect(new Set(list).size).toBe(list.length);
    for (const ids of [chain.recent, governance.proposals].map((list) => list.map(({ id }) => id)))
      expect(new Set(ids).size).toBe(ids.length);
    for (const proposal of governance.proposals)
      expect(proposal.quorum.reached).toBe(proposal.for + proposal.abstain);
    for (const { offers, capacity } of market.classes)
      expect(capacity).toBe(offers.reduce((sum, offer) => sum + offer.capacity, 0));
    for (const { account } of [...chain.keepers.map(({ worker }) => worker), governance.host])
      expect(account).toMatch(/^[\w-]{43}$/);
  });
});

describe('the commands of the scripted ledger', () => {
  const openLedger = () => {
    const due: (() => void)[] = [];
    const app = createFixtureApp('streaming', {
      clock,
      timers: {
        ...timers,
        after: (_delay, run) => {
          due.push(run);
          return () => {};
        },
      },
    });
    const view = () => {
      const ledger = app.models.ledger.get();
      if (ledger.phase !== 'open') throw new Error(`the ledger is ${ledger.phase}`);
      return ledger;
    };
    return { app, view, settle: () => due.splice(0).map((run) => run()) };
  };

  it('money that is sent is pending, then history, and taken off the balance once', async () => {
    const { app, view, settle } = openLedger();
    const { balance, pending, history } = view().wallet;
    await app.commands.sendMoney({ to: 'somebody', amount: 5_000_000, memo: 'tea' });
    expect(view().wallet.pending).toHaveLength(pending.length + 1);
    expect(view().wallet.balance).toBe(balance);
    settle();
    expect(view().wallet.pending).toEqual(pending);
    expect(view().wallet.balance).toBe(balance - 5_001_000);
    expect(view().wallet.history[0]).toMatchObject({ amount: -5_001_000, memo: 'tea' });
    expect(view().wallet.history).toHaveLength(history.length + 1);
  });

  it('a vote is given once', async () => {
    const { app, view } = openLedger();
    const id = view().governance.proposals.find(({ mayVote }) => mayVote)?.id ?? '';
    await app.commands.vote(id, 'for');
    expect(view().governance.proposals.find((entry) => entry.id === id)).toMatchObject({
      ownVote: 'for',
      mayVote: false,
    });
  });

  it('everything that is listed can be opened and checked', async () => {
    const { app, view } = openLedger();
    const { chain, wallet } = view();
    const items = [
      ...chain.recent.flatMap(({ id, height }) => [id, String(height)]),
      ...wallet.history.map(({ item }) => item),
      ...chain.evidence.map(({ item }) => item),
      ...view().governance.proposals.map(({ id }) => id),
      ...view().market.ownOrders.map(({ id }) => id),
      wallet.account,
    ];
    for (const item of items) {
      expect((await app.commands.openLedgerItem(item)).ok, item).toBe(true);
      expect((await app.commands.verifyLedgerItem(item)).ok).toBe(true);
    }
    expect((await app.commands.openLedgerItem('nothing like it')).ok).toBe(false);
  });
});

describe.each(telemetryScenarios)('the scripted telemetry, %s', (scenario) => {
  const models = fixtureTelemetry(scenario, fixtureStart);
  it('keeps the promises of the real one', () => {
    const series = models.series.get().map(({ key }) => key);
    for (const ids of [
      series,
      models.alerts.get().map(({ id }) => id),
      models.rules.get().map(({ id }) => id),
      models.traces.get().map(({ traceId }) => traceId),
    ])
      expect(new Set(ids).size).toBe(ids.length);
    for (const alert of models.alerts.get())
      if (alert.series !== undefined) expect(series).toContain(alert.series);
    const checks = models.health.get().checks.map(({ id }) => id);
    for (const { because } of models.health.get().checks)
      if (because !== undefined) expect(checks).toContain(because);
  });

  it('lets nothing leave this device before somebody said yes', () =>
    expect(models.settings.get()).toMatchObject({
      shareMetrics: false,
      exportTraces: false,
      notify: false,
      relayAlerts: false,
    }));
});

it('a scripted trace has its rows in the order in which they are drawn', async () => {
  const app = open('streaming');
  const trace = await app.commands.traceOfJob('job-streaming');
  const rows = await app.commands.trace(trace ?? '');
  expect(rows.length).toBeGreaterThan(5);
  rows.forEach((row, index) => {
    expect(row.depth - (rows[index - 1]?.depth ?? -1)).toBeLessThanOrEqual(1);
  });
});
