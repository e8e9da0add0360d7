import { describe, expect, it } from 'vitest';
import { type AccountId, milliseconds } from '../../src/core/brand.ts';
import { err, fault, ok } from '../../src/core/result.ts';
import type { JobState, Preference, PriceGate, Prospect } from '../../src/inference/contracts.ts';
import { createMemoryJobStore } from '../../src/inference/jobStore.ts';
import { honest, lieAbout, lying, misplace } from './plan.ts';
import { lineCount, openRoom, pagesOf, whole, wrongLines } from './room.ts';

const paused = honest(1, 0);
const usable = (speed: number, slots = 1) => honest(speed, slots);
const private_ = (speed: number, slots = 1) => ({ ...honest(speed, slots), serves: false });

describe('a room that reads together', () => {
  it('shares the work, and pays for it with receipts that both sides hold', async () => {
    const room = openRoom();
    const ana = await room.enter('ana', private_(0.1));
    const ben = await room.enter('ben', usable(0.3, 2));
    const view = await room.finish(ana, await room.submit(ana, [20, 12]));
    expect(view.state.phase).toBe('done');
    expect(lineCount(view)).toBe(32);
    expect(wrongLines(view)).toEqual([]);
    expect(view.workers.map(({ name }) => name).sort()).toEqual(['ana', 'ben']);
    await room.pass(5_000);
    const paid = view.workers.find(({ name }) => name === 'ben')!;
    expect(paid.milliCredits).toBeGreaterThan(0);
    expect(whole(ben).length).toBeGreaterThanOrEqual(paid.tasks);
    expect(new Set(whole(ben).map(({ id }) => id))).toEqual(new Set(whole(ana).map(({ id }) => id)));
    expect(await ben.device.receiptStore.list()).toEqual([]);
    expect(await ana.device.receiptStore.list()).toEqual([]);
  });

  it('keeps a job for this device alone on this device', async () => {
    const room = openRoom();
    const ana = await room.enter('ana', private_(0.3));
    const ben = await room.enter('ben', usable(5, 4));
    const view = await room.finish(ana, await room.submit(ana, [6], 'alone'));
    expect(view.state.phase).toBe('done');
    expect(ben.engine.calls()).toBe(0);
  });

  it('reads pages without text, and goes on where one page is damaged', async () => {
    const room = openRoom();
    const ana = await room.enter('ana', private_(0.3));
    const view = await room.finish(ana, await room.submit(ana, [0, 3]));
    expect(view.pages.map(({ state, lines }) => [state.phase, lines.length])).toEqual([
      ['done', 0],
      ['done', 3],
    ]);
  });
});

describe('a job with a budget', () => {
  it('begins when the budget is set aside, and ends with every receipt signed before it is told', async () => {
    const room = openRoom();
    const told: string[] = [];
    let signed = 0;
    const ana = await room.enter('ana', {
      ...private_(0.05),
      priceGate: {
        async reserve(job, { budget, strategy, pages }) {
          told.push(`reserve ${budget} ${strategy} for ${pages}`);
          expect(ana.coordinator.getRequestStatus(job)).toBeUndefined();
          return ok(undefined);
        },
        preferences: () => undefined,
        ended(job) {
          told.push('ended');
          signed = whole(ana).filter(({ body }) => body.job === job).length;
        },
      },
    });
    await room.enter('ben', usable(0.3, 2));
    const request = {
      kind: 'ocr',
      audience: 'room',
      pages: pagesOf([12]),
      budget: 5_000_000,
      strategy: 'fair',
    } as const;
    const job = await ana.coordinator.submitInferenceRequest(request);
    if (!job.ok) throw new Error(job.error.message);
    await room.finish(ana, job.value);
    await room.pass(1_000);
    expect(told).toEqual(['reserve 5000000 fair for 1', 'ended']);
    expect(signed).toBeGreaterThan(0);
    expect(whole(ana)).toHaveLength(signed);
  });

  it('is read by whom the gate prefers, and never by whom it keeps away from', async () => {
    const room = openRoom();
    const preferenceOf = new Map<AccountId, Preference>();
    let present: readonly Prospect[] = [];
    const ana = await room.enter('ana', {
      ...private_(0.05),
      priceGate: {
        async reserve(_job, _terms, prospects) {
          present = prospects;
          return ok(undefined);
        },
        preferences: () => (account) => preferenceOf.get(account) ?? { weight: 0 },
        ended() {},
      },
    });
    const ben = await room.enter('ben', usable(0.3, 2));
    const cem = await room.enter('cem', usable(0.3, 2));
    const dea = await room.enter('dea', usable(3, 4));
    preferenceOf.set(cem.identity.account, { weight: 1 });
    preferenceOf.set(ben.identity.account, { weight: 0.1 });
    preferenceOf.set(dea.identity.account, { closed: 'asks for more' });
    const request = { kind: 'ocr', audience: 'room', pages: pagesOf([40, 40]), budget: 1 } as const;
    const job = await ana.coordinator.submitInferenceRequest(request);
    if (!job.ok) throw new Error(job.error.message);
    const view = await room.finish(ana, job.value);
    expect(present.map(({ account }) => account).sort()).toEqual([...preferenceOf.keys()].sort());
    expect(present.every(({ speed, lost }) => Number.isSafeInteger(speed) && lost === 0)).toBe(true);
    const linesOf = (name: string) => view.workers.find((worker) => worker.name === name)?.lines ?? 0;
    expect(linesOf('cem')).toBeGreaterThan(3 * linesOf('ben'));
    expect(dea.engine.calls()).toBe(0);
    expect(view.pages.every(({ milliCredits }) => milliCredits > 0)).toBe(true);
  });

  it('that can not be set aside never begins; without a ledger no budget is taken', async () => {
    const room = openRoom();
    const poor: PriceGate = {
      reserve: async () => err(fault('budget', '3 VC are missing')),
      preferences: () => undefined,
      ended() {},
    };
    const ana = await room.enter('ana', { ...private_(0.3), priceGate: poor });
    const ben = await room.enter('ben', usable(0.3));
    const request = { kind: 'ocr', audience: 'room', pages: pagesOf([1]), budget: 1 } as const;
    const refused = await ana.coordinator.submitInferenceRequest(request);
    expect(refused).toMatchObject({ ok: false, error: { code: 'budget', message: '3 VC are missing' } });
    expect(ana.coordinator.jobs.get()).toEqual([]);
    const free = await ben.coordinator.submitInferenceRequest(request);
    expect(free).toMatchObject({ ok: false, error: { code: 'budget', message: /no ledger/ } });
  });
});

describe('a peer that fails in the middle', () => {
  it('that freezes: its tasks go elsewhere 3 s later', async () => {
    const room = openRoom();
    const ana = await room.enter('ana', private_(0.2));
    const ben = await room.enter('ben', usable(0.2, 2));
    const job = await room.submit(ana, [24, 24, 24, 24]);
    await room.time.runUntil(() => ana.coordinator.peerWork(ben.identity.peer).workingForUs > 0, 10_000);
    room.network.freeze(ben.identity.peer);
    await room.pass(3_600);
    expect(ana.coordinator.peerWork(ben.identity.peer).workingForUs).toBe(0);
    const view = await room.finish(ana, job);
    expect(view.state.phase).toBe('done');
    expect(wrongLines(view)).toEqual([]);
    expect(view.workers.find(({ name }) => name === 'ben')!.lost).toBeGreaterThan(0);
  });

  it('that is slow: an idle one starts on the same task, and the line stands once', async () => {
    const room = openRoom();
    const ana = await room.enter('ana', private_(0.3));
    await room.enter('snail', usable(0.0005));
    await room.enter('hare', usable(0.5));
    const view = await room.finish(ana, await room.submit(ana, [8]));
    expect(view.state).toMatchObject({ phase: 'done' });
    expect((view.state as { wallMs: number }).wallMs).toBeLessThan(15_000);
    expect(ana.coordinator.getSystemMetrics().tasksHedged).toBeGreaterThan(0);
    expect(lineCount(view)).toBe(8);
  });

  it('that is the last one: waits 5, 15, 30, 30 s, and goes on at once when somebody comes', async () => {
    const room = openRoom();
    const ana = await room.enter('ana', { ...paused, serves: false });
    const job = await room.submit(ana, [2]);
    const retries: number[] = [];
    let last: JobState | undefined;
    ana.coordinator.jobs.subscribe(([view]) => {
      if (view?.state.phase === 'waiting' && view.state !== last) {
        retries.push(view.state.retryAt - room.time.now());
      }
      last = view?.state;
    });
    await room.pass(70_000);
    expect(ana.coordinator.getRequestStatus(job)!.state).toMatchObject({ phase: 'waiting' });
    expect(retries.slice(0, 3).map(Math.round)).toEqual([5_000, 15_000, 30_000]);
    const cameAt = room.time.now();
    await room.enter('ben', usable(1));
    const view = await room.finish(ana, job);
    expect(view.state.phase).toBe('done');
    expect(room.time.now() - cameAt).toBeLessThan(3_000);
  });
});

describe('a peer that lies', () => {
  it('with plausible text is caught, unpaid, left alone, and its work is done again', async () => {
    const room = openRoom();
    const ana = await room.enter('ana', private_(0.1));
    const eve = await room.enter('eve', { ...usable(0.6, 2), distortRecognize: (o) => lieAbout(o, 1) });
    const ben = await room.enter('ben', usable(0.3, 2));
    const view = await room.finish(ana, await room.submit(ana, [24, 24]));
    await room.pass(5_000);
    expect(wrongLines(view)).toEqual([]);
    expect(lineCount(view)).toBe(48);
    expect(view.workers.find(({ name }) => name === 'eve')).toMatchObject({ wrong: 1 });
    expect(ana.coordinator.peerWork(eve.identity.peer)).toMatchObject({ wrong: 1, breaker: 'open' });
    expect(whole(eve).filter(({ body }) => body.kind === 'ocr.recognize')).toEqual([]);
    expect(whole(ben).length).toBeGreaterThan(0);
    const before = eve.engine.calls();
    await room.finish(ana, await room.submit(ana, [12]));
    expect(eve.engine.calls()).toBe(before);
  });

  it('by leaving out one line of a long page is caught', async () => {
    const room = openRoom();
    const ana = await room.enter('ana', private_(0.02));
    const eve = await room.enter('eve', { ...usable(2, 1), distortDetect: misplace });
    const view = await room.finish(ana, await room.submit(ana, [23, 23]));
    expect(lineCount(view)).toBe(46);
    expect(ana.coordinator.peerWork(eve.identity.peer).wrong).toBe(1);
  });

  it('is outvoted two to one where this device may not compute', async () => {
    const room = openRoom({ checkShare: 1, newcomerCheckShare: 1 });
    const ana = await room.enter('ana', { ...paused, serves: false });
    await room.enter('ben', usable(0.3, 2));
    const eve = await room.enter('eve', { ...usable(0.3, 2), ...lying(1) });
    await room.enter('cem', usable(0.3, 2));
    const view = await room.finish(ana, await room.submit(ana, [16]));
    expect(wrongLines(view)).toEqual([]);
    expect(lineCount(view)).toBe(16);
    expect(ana.coordinator.peerWork(eve.identity.peer).wrong).toBeGreaterThan(0);
    const others = view.workers.filter(({ name }) => name !== 'eve');
    expect(others.every(({ wrong }) => wrong === 0)).toBe(true);
  });

  it('is not confirmed by a second tab of its own account', async () => {
    const room = openRoom({ checkShare: 1, newcomerCheckShare: 1 });
    const ana = await room.enter('ana', private_(0.02));
    const first = room.device('eve');
    const lies = {
      ...usable(0.5, 2),
      distortRecognize: (o: Parameters<typeof lieAbout>[0]) => lieAbout(o, 1),
    };
    await room.enter('eve', lies, first);
    await room.enter('eve again', lies, { ...room.device('eve again'), accountSeed: first.accountSeed });
    const view = await room.finish(ana, await room.submit(ana, [12]));
    expect(wrongLines(view)).toEqual([]);
  });
});

describe('a person who changes their mind', () => {
  it('cancels: the work stops everywhere within a moment, and what was accepted is paid', async () => {
    const room = openRoom({ checkShare: 0, newcomerCheckShare: 0 });
    const ana = await room.enter('ana', private_(0.05));
    const ben = await room.enter('ben', usable(0.05, 3));
    const job = await room.submit(ana, [24, 24]);
    const view = () => ana.coordinator.getRequestStatus(job)!;
    await room.time.runUntil(() => view().tasksDone >= 4 && ben.engine.active() > 0, 60_000);
    await ana.coordinator.cancelRequest(job);
    await ana.coordinator.cancelRequest(job);
    await room.pass(200);
    expect(ana.engine.active() + ben.engine.active()).toBe(0);
    expect(ana.coordinator.peerWork(ben.identity.peer).workingForUs).toBe(0);
    expect(view().state.phase).toBe('cancelled');
    const done = view().workers.find(({ name }) => name === 'ben')!.tasks;
    expect(done).toBeGreaterThan(0);
    await room.pass(2_000);
    expect(whole(ben)).toHaveLength(done);
    expect(view().events.filter(({ text }) => text.startsWith('cancelled'))).toHaveLength(1);
  });
});

describe('a requester whose tab dies', () => {
  it('finds the job and what was read, and does not do accepted work again', async () => {
    const room = openRoom();
    const device = room.device('ana');
    const first = await room.enter('ana', private_(0.05), device);
    const job = await room.submit(first, [24]);
    const read = () => first.coordinator.getRequestStatus(job)!.tasksDone;
    await room.time.runUntil(() => read() >= 3, 60_000);
    const before = first.coordinator.getRequestStatus(job)!.pages[0]!.lines.length;
    first.kill();
    await room.pass(1_000);
    const second = await room.enter('ana', private_(0.05), device);
    await second.coordinator.resumeStoredJobs();
    const found = second.coordinator.getRequestStatus(job)!;
    expect(found.pages[0]!.lines).toHaveLength(before);
    expect(before).toBeGreaterThan(0);
    const view = await room.finish(second, job);
    expect(view.state.phase).toBe('done');
    expect(lineCount(view)).toBe(24);
    expect(wrongLines(view)).toEqual([]);
    // Opening is not needed again, detection neither: one cut, and the batches that were left.
    const left = view.tasksTotal - 1 - (found.tasksDone - 1);
    expect(second.engine.calls()).toBe(1 + left);
  });

  it('still pays the worker that comes back later', async () => {
    const room = openRoom({ checkShare: 0, newcomerCheckShare: 0 });
    const ana = await room.enter('ana', { ...paused, serves: false });
    const device = room.device('ben');
    const ben = await room.enter('ben', usable(0.2), device);
    const job = await room.submit(ana, [8]);
    await room.time.runUntil(() => ana.coordinator.getRequestStatus(job)!.tasksDone >= 2, 60_000);
    ben.kill();
    await room.enter('cem', usable(1));
    await room.finish(ana, job);
    await room.pass(5_000);
    expect(whole(ben)).toHaveLength(0);
    const back = await room.enter('ben', usable(0.2), device);
    await back.coordinator.resumeStoredJobs();
    await room.pass(10_000);
    expect(whole(back).length).toBeGreaterThanOrEqual(2);
  });

  it('skips stored jobs that make no sense, and goes on with the others', async () => {
    const room = openRoom();
    const store = createMemoryJobStore();
    const device = {
      ...room.device('ana'),
      jobStore: { ...store, listJobs: async () => [{ v: 9 }, 'x', null] },
    };
    const ana = await room.enter('ana', private_(0.2), device);
    await ana.coordinator.resumeStoredJobs();
    expect(ana.coordinator.jobs.get()).toEqual([]);
    expect((await room.finish(ana, await room.submit(ana, [2]))).state.phase).toBe('done');
  });

  it('goes on in memory, and says so, when storage is full', async () => {
    const room = openRoom();
    const full = { ...createMemoryJobStore(), putResult: () => Promise.reject(new Error('no room left')) };
    const ana = await room.enter('ana', private_(0.2), { ...room.device('ana'), jobStore: full });
    const view = await room.finish(ana, await room.submit(ana, [4]));
    expect(view.state.phase).toBe('done');
    expect(lineCount(view)).toBe(4);
    expect(view.events.filter(({ text }) => text.includes('no room left'))).toHaveLength(1);
  });
});

describe('limits', () => {
  it('refuses work where the person shares nothing, without blaming anybody', async () => {
    const room = openRoom({ backoff: [milliseconds(1_000)] });
    const ana = await room.enter('ana', { ...paused, serves: false });
    await room.enter('ben', { ...usable(1), serves: false });
    const job = await room.submit(ana, [1]);
    await room.pass(10_000);
    expect(ana.coordinator.getRequestStatus(job)!.state).toMatchObject({ phase: 'waiting' });
  });

  it('says what is wrong with a request', async () => {
    const room = openRoom({ maxPages: 2 });
    const ana = await room.enter('ana', private_(1));
    const submit = (count: number) =>
      ana.coordinator.submitInferenceRequest({
        kind: 'ocr',
        audience: 'room',
        pages: Array.from({ length: count }, () => ({ name: 'x', file: new Blob(['x']) })),
      });
    expect(await submit(0)).toMatchObject({ ok: false, error: { code: 'empty' } });
    expect(await submit(3)).toMatchObject({ ok: false, error: { code: 'too-many' } });
  });
});
