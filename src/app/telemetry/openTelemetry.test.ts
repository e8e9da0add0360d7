import { beforeAll, describe, expect, it } from 'vitest';
import { createVirtualTime } from '../../../tests/simulation/virtualTime.ts';
import { createStore } from '../../core/events.ts';
import { err, fault, ok, unwrap } from '../../core/result.ts';
import { createRpc, type SignalingState } from '../../mesh/index.ts';
import { createTestRandom, createTransportHub } from '../../mesh/testDoubles.ts';
import { createTelemetry, createTracer, encodeOtlp } from '../../observability/index.ts';
import { compressGzip, decompressGzip } from '../../platform/browser/gzip.ts';
import { createMemoryStore, type KeyValueStore } from '../../storage/index.ts';
import { openSettings, type Settings } from '../settings.ts';
import type { TelemetryCommands, TelemetryModels } from '../telemetryView.ts';
import { createLateTelemetry } from './lateTelemetry.ts';
import { openTelemetry } from './openTelemetry.ts';
import { ana, createBroadcastDouble, wellPage as well } from './testDoubles.ts';

/** A whole tab's telemetry, on doubles of the browser, in virtual time. */
const openTab = async (
  options: {
    readonly store?: KeyValueStore;
    readonly seed?: number;
    readonly may?: 'granted' | 'denied';
    /** What the host says that it takes; undefined: all. */
    readonly host?: () => Response | undefined;
  } = {},
) => {
  const time = createVirtualTime();
  const random = createTestRandom(options.seed ?? 5);
  const telemetry = createTelemetry({ clock: time.clock, random, createTracer });
  const room = createBroadcastDouble();
  const written: Settings[] = [];
  let stored: Settings | undefined;
  let tellWritten = () => {};
  const settings = await openSettings({
    port: {
      read: async () => stored,
      async update(make) {
        stored = make(stored);
        written.push(stored);
      },
      onWritten(listener) {
        tellWritten = listener;
      },
    },
    telemetry,
  });
  const posted: { readonly url: string; readonly body: string }[] = [];
  const state = { health: well, leave: () => {} };
  const connection = createStore<SignalingState>({ phase: 'off' } as SignalingState);
  const watching = createLateTelemetry(
    {
      telemetry,
      load: async () => (deps) =>
        openTelemetry({
          ...deps,
          store: options.store ?? createMemoryStore(),
          sqlite: {
            write: async () => err(fault('storage', 'no SQLite here')),
            read: async () => err(fault('malformed', 'no SQLite here')),
          },
          gzip: { compress: compressGzip, decompress: decompressGzip },
          async fetch(url, init) {
            if (init.method !== 'POST')
              return options.host?.() ?? Response.json({ collector: true, channels: ['webhook'] });
            const { body } = init;
            posted.push({
              url,
              body: body instanceof Uint8Array ? new TextDecoder().decode(body) : String(body),
            });
            return new Response('{}', { status: 200 });
          },
          askToNotify: async () => options.may ?? 'granted',
          showNotification: async () => undefined,
          watchVitals: () => ({ memory: () => ({ used: 40, limit: 100 }), close() {} }),
          online: () => true,
          onLeaving(leave) {
            state.leave = leave;
          },
        }),
    },
    undefined,
  );
  watching.start({
    ...time,
    random,
    locks: { tryAcquire: async () => () => {}, acquire: async () => () => {} },
    telemetry,
    settings,
    origin: 'this browser',
    room: 'r'.repeat(43),
    self: ana,
    build: 'test',
    rpc: createRpc(createTransportHub().join(ana), { ...time, telemetry }),
    broadcast: room.broadcast,
    statistics: () => ({ peers: 1, links: [] }) as never,
    connection,
    device: {
      profile: createStore(undefined) as never,
      queued: () => 0,
      tasksRunning: () => 0,
      ledgerHeight: () => undefined,
      ledgerBehind: () => undefined,
    },
    nameOf: () => undefined,
    health: () => state.health,
    ledger: () => ({ phase: 'off', reason: undefined }),
    repairs: {
      reconnect: () => {},
      rebuildLinks: () => {},
      restartWorkers() {
        state.health = well;
      },
      leaveGpu: () => false,
    },
  });
  const pass = (seconds: number) => time.runUntil(() => false, seconds * 1_000);
  await pass(1);
  const { models, commands }: { models: TelemetryModels; commands: TelemetryCommands } = watching;
  /** What another tab of this device stores. */
  const storeElsewhere = (change: Settings) => {
    stored = { ...stored, ...change };
    tellWritten();
  };
  const seen = { room, written, posted, models };
  return { time, telemetry, state, connection, pass, commands, storeElsewhere, ...seen };
};

// Its code is loaded when it is first used: virtual time can't wait for that.
beforeAll(async () => void (await encodeOtlp([], 'json')));

describe('a tab’s telemetry', () => {
  it('measures, keeps and draws what components say', async () => {
    const { telemetry, pass, models, commands, time } = await openTab();
    for (let minute = 0; minute < 3; minute++) {
      telemetry.count('inference_jobs_total', 6, { outcome: 'done' });
      await pass(60);
    }
    expect(models.series.get().map(({ key }) => key)).toContain('inference_jobs_total{outcome="done"}');
    const drawn = unwrap(
      await commands.chart({
        keys: ['inference_jobs_total{outcome="done"}'],
        show: 'rate',
        from: time.clock.now() - 240_000,
        to: time.clock.now(),
        maxPoints: 100,
      }),
    );
    const values = drawn.lines[0]?.values.filter((value) => value !== null) ?? [];
    const jobs = values.reduce((sum, value) => sum + value * (drawn.stepMs / 1_000), 0);
    expect(jobs).toBeCloseTo(18);
    const csv = unwrap(
      await commands.exportCsv(['memory_used_ratio'], time.clock.now() - 240_000, time.clock.now()),
    );
    expect(new TextDecoder().decode(csv.bytes)).toContain(',0.4,');
    expect(
      (await commands.chart({ ...drawn, keys: ['nothing'], show: 'rate', from: 0, to: 1, maxPoints: 1 })).ok,
    ).toBe(false);
  });

  it('looks after the page, and tells how long it took to mend it', async () => {
    const store = createMemoryStore();
    const { pass, models, state, commands } = await openTab({ store });
    await pass(20);
    expect(models.health.get().state).toBe('ok');
    state.health = { ...well, engine: { phase: 'failed', error: 'a worker died' } };
    await pass(40);
    expect(models.health.get().incidents).toMatchObject([
      { check: 'engine', actions: [{ id: 'restart-worker', helped: true }] },
    ]);
    expect((await commands.recover('isolation')).ok).toBe(false);
    state.leave();
    await pass(0);
    const next = await openTab({ store, seed: 77 });
    await next.pass(10);
    expect(next.models.health.get().incidents).toEqual(models.health.get().incidents);
  });

  it('lets nothing out before its person says yes', async () => {
    const { telemetry, pass, room, posted, connection, models, commands, written } = await openTab();
    connection.set({ phase: 'joined' } as SignalingState);
    await pass(20);
    expect(models.host.get()).toEqual({ collector: true, channels: ['webhook'] });
    const work = () => {
      telemetry.observe('rpc_seconds', 0.2, { method: 'read', outcome: 'ok' });
      telemetry.span('job').end();
    };
    work();
    await pass(180);
    const outcome = async () => (await commands.testChannels()).find(({ channel }) => channel === 'host');
    expect((await outcome())?.outcome).toMatch(/switched off/);
    expect([posted, room.published]).toEqual([[], []]);

    await commands.setTelemetry({ shareMetrics: true, exportTraces: true, relayAlerts: true });
    work();
    await pass(90);
    expect(room.published.length).toBeGreaterThan(0);
    expect(posted.map(({ url }) => url)).toEqual(['/telemetry/traces']);
    expect(posted[0]?.body).toContain('"job"');
    expect((await outcome())?.outcome).toBe('told');
    expect(written.at(-1)?.telemetry?.exportTraces).toBe(true);

    const before = [posted.length, room.published.length];
    await commands.setTelemetry({ shareMetrics: false, exportTraces: false, relayAlerts: false });
    work();
    await pass(180);
    expect([posted.length, room.published.length]).toEqual(before);
  });

  it.each([
    ['by and by', () => {}],
    ['as the page is left', (leave: () => void) => leave()],
  ])('sends no span %s that waited while its consent was taken back', async (_when, then) => {
    const { telemetry, pass, posted, connection, commands, state } = await openTab();
    connection.set({ phase: 'joined' } as SignalingState);
    await pass(20);
    await commands.setTelemetry({ exportTraces: true });
    telemetry.span('job').end();
    await commands.setTelemetry({ exportTraces: false });
    then(state.leave);
    await pass(180);
    expect(posted).toEqual([]);
  });

  it('lets nothing more out when its consent is taken back in another tab', async () => {
    const { telemetry, pass, posted, connection, commands, models, storeElsewhere } = await openTab();
    connection.set({ phase: 'joined' } as SignalingState);
    await pass(20);
    await commands.setTelemetry({ exportTraces: true });
    storeElsewhere({ telemetry: { exportTraces: false, traces: false } });
    await pass(1);
    expect(models.settings.get()).toMatchObject({ exportTraces: false, traces: false });
    telemetry.span('job').end();
    await pass(180);
    expect(posted).toEqual([]);
  });

  it('asks its host again that could not say what it takes', async () => {
    let answers = 0;
    const host = () => (answers++ === 0 ? new Response('', { status: 503 }) : undefined);
    const { pass, connection, models } = await openTab({ host });
    connection.set({ phase: 'joined' } as SignalingState);
    await pass(20);
    expect(models.host.get()).toBeUndefined();
    await pass(20);
    expect(models.host.get()).toMatchObject({ collector: true });
  });

  it('says why it may not notify, and changes nothing then', async () => {
    const { commands, models } = await openTab({ may: 'denied' });
    const refused = await commands.setTelemetry({ notify: true });
    expect(refused).toMatchObject({ ok: false, error: expect.stringMatching(/does not allow/) });
    expect(models.settings.get().notify).toBe(false);
  });

  it('measures nothing of what is switched off', async () => {
    const { telemetry, pass, commands, models } = await openTab();
    await commands.setTelemetry({ metrics: false, traces: false, logs: false });
    const series = models.series.get().length;
    telemetry.count('inference_jobs_total', 1, { outcome: 'done' });
    telemetry.span('job').end();
    telemetry.log('error', 'test', 'not to be read');
    await pass(30);
    expect(models.series.get()).toHaveLength(series);
    expect(models.traces.get()).toEqual([]);
    expect(await commands.searchLog({ level: 'debug', text: 'not to be read', limit: 10 })).toEqual([]);
  });

  it('is saved, forgotten and loaded again', async () => {
    const { telemetry, pass, commands, models } = await openTab();
    telemetry.count('inference_jobs_total', 3, { outcome: 'done' });
    await pass(60);
    const file = unwrap(await commands.saveAnalytics('json', true));
    const { points } = models.analytics.get();
    await commands.forgetAnalytics();
    expect(models.analytics.get().points).toBe(0);
    const loaded = unwrap(await commands.loadAnalytics(new Blob([new Uint8Array(file.bytes)])));
    expect(loaded).toMatchObject({ format: 'json', lost: [] });
    expect(loaded.points).toBe(points);
    expect((await commands.loadAnalytics(new Blob(['no such file']))).ok).toBe(false);
    expect(await commands.saveAnalytics('sqlite', false)).toMatchObject({
      ok: false,
      error: 'no SQLite here',
    });
  });

  it('keeps what was measured when the page is left, and finds it again', async () => {
    const store = createMemoryStore();
    const first = await openTab({ store });
    first.telemetry.count('inference_jobs_total', 3, { outcome: 'done' });
    first.telemetry.log('warn', 'test', 'to be found again');
    await first.pass(11);
    first.state.leave();
    await first.pass(0);
    const second = await openTab({ store, seed: 77 });
    expect(second.models.series.get().map(({ name }) => name)).toContain('inference_jobs_total');
    expect(await second.commands.searchLog({ level: 'debug', text: 'found again', limit: 10 })).toHaveLength(
      1,
    );
  });

  it('opens a trace as a tree, and gives it away as OTLP', async () => {
    const { telemetry, commands, pass } = await openTab();
    const job = telemetry.span('job', { fields: { job: 'j1' } });
    telemetry.span('task', { parent: job.context }).end();
    job.end();
    await pass(1);
    const trace = await commands.traceOfJob('j1');
    expect(trace).toBe(job.context.traceId);
    expect((await commands.trace(trace ?? '')).map(({ span, depth }) => [span.name, depth])).toEqual([
      ['job', 0],
      ['task', 1],
    ]);
    const file = await commands.exportTrace(trace ?? '');
    expect(JSON.parse(new TextDecoder().decode(file?.bytes)).resourceSpans).toHaveLength(1);
    expect(await commands.exportTrace('f'.repeat(32))).toBeUndefined();
  });

  it('keeps silences and changed rules', async () => {
    const { commands, models, time } = await openTab();
    const now = time.clock.now();
    expect(
      await commands.silence({ match: 'all', from: now, until: now + 3_600_000, reason: 'tests' }),
    ).toEqual(ok(undefined));
    expect(models.silences.get()).toHaveLength(1);
    await commands.endSilence(models.silences.get()[0]?.id ?? '');
    expect(models.silences.get()).toEqual([]);
    expect((await commands.setRule('nothing', { enabled: false })).ok).toBe(false);
    expect((await commands.setRule('jobs-failing', { enabled: false })).ok).toBe(true);
    expect(models.rules.get().find(({ id }) => id === 'jobs-failing')?.enabled).toBe(false);
  });
});
