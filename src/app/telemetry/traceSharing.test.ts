import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../core/brand.ts';
import type { LogFields } from '../../core/ports/telemetry.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import { ok } from '../../core/result.ts';
import { createRpc } from '../../mesh/index.ts';
import { createManualTime, createTransportHub } from '../../mesh/testDoubles.ts';
import { type SpanRecord, waterfallOf } from '../../observability/index.ts';
import { ana, ben, createLogDouble, eve } from './testDoubles.ts';
import { createTraceSharing, spansMethod } from './traceSharing.ts';

const hex = (n: number, length: number) => n.toString(16).padStart(length, '0');
const trace = hex(7, 32);
const span = (
  id: number,
  of: number | undefined,
  more: Partial<SpanRecord> & { readonly fields?: LogFields } = {},
): SpanRecord => ({
  context: { traceId: trace, spanId: hex(id, 16), sampled: true },
  parentId: of === undefined ? undefined : hex(of, 16),
  name: `span ${id}`,
  kind: 'internal',
  where: 'tab',
  startedAt: 1_000,
  endedAt: 1_010,
  fields: {},
  events: [],
  failure: undefined,
  ...more,
});
const anasSpans = [span(1, undefined), span(2, 1, { kind: 'client', fields: { peer: ben } })];
const bensSpans = [span(3, 2, { kind: 'server', fields: { peer: ana } }), span(4, 3, { where: 'worker' })];
const idsOf = (spans: readonly SpanRecord[]) => spans.map(({ context }) => Number(`0x${context.spanId}`));

const tabs = () => {
  const time = createManualTime();
  const hub = createTransportHub();
  const rpcOf = (peer: string) => createRpc(hub.join(peer), { ...time, telemetry: silentTelemetry });
  const tab = (peer: string, spans: readonly SpanRecord[]) => {
    const state = { spans, mayTell: true, looks: 0 };
    const log = createLogDouble();
    const sharing = createTraceSharing({
      ...time,
      rpc: rpcOf(peer),
      telemetry: log,
      async spansOf(id) {
        state.looks++;
        return state.spans.filter(({ context }) => context.traceId === id);
      },
      mayTell: () => state.mayTell,
      nameOf: (other) => (other === ben ? 'Ben' : undefined),
    });
    return { ...sharing, state, log };
  };
  const wholeAt = async (at: ReturnType<typeof tab>, id = trace) => {
    const asked = at.whole(id);
    await time.advance(5_000);
    return asked;
  };
  /** Asks as a peer's own code would. */
  const ask = async (asker: ReturnType<typeof rpcOf>, peer: typeof ben, id = trace) => {
    const call = asker.call(peer, spansMethod, { trace: id }, { deadline: milliseconds(3_000) });
    await time.advance(4_000);
    return call;
  };
  return { time, hub, tab, rpcOf, wholeAt, ask };
};

/** Ana's tab, and a Ben who answers whatever the test wants. */
const withHostile = (answer: string) => {
  const world = tabs();
  const own = world.tab(ana, anasSpans);
  world.rpcOf(ben).handle(spansMethod, async () => ok({ spans: answer }));
  return { ...world, own };
};

describe('a trace over several tabs', () => {
  it('is joined: who did what is said, and it is one tree', async () => {
    const { tab, wholeAt } = tabs();
    const own = tab(ana, anasSpans);
    tab(ben, bensSpans);
    const whole = await wholeAt(own);
    expect(idsOf(whole)).toEqual([1, 2, 3, 4]);
    expect(whole.map(({ fields }) => fields['node'])).toEqual([undefined, undefined, 'Ben', 'Ben']);
    expect(waterfallOf(whole).map(({ depth, orphan }) => [depth, orphan])).toEqual([
      [0, false],
      [1, false],
      [2, false],
      [3, false],
    ]);
  });

  it('is told only to whom the tab has worked for in it, and only of that work', async () => {
    const { tab, rpcOf, ask } = tabs();
    const theirs = [span(8, 9, { kind: 'server', fields: { peer: eve } }), span(10, 8)];
    tab(ben, [...bensSpans, ...theirs, span(11, undefined)]);
    const asEve = await ask(rpcOf(eve), ben);
    expect(asEve.ok && idsOf(JSON.parse(asEve.value.spans))).toEqual([8, 10]);
    const asAna = await ask(rpcOf(ana), ben);
    expect(asAna.ok && idsOf(JSON.parse(asAna.value.spans))).toEqual([3, 4]);
    expect(await ask(rpcOf('somebody else'), ben)).toMatchObject({ ok: false, error: { code: 'refused' } });
  });

  it('is not told where tracing is off, nor of a trace that is none', async () => {
    const { tab, rpcOf, ask } = tabs();
    const { state } = tab(ben, bensSpans);
    const asker = rpcOf(ana);
    expect(await ask(asker, ben, hex(8, 32))).toMatchObject({ ok: false });
    expect(await ask(asker, ben, '../../etc')).toMatchObject({ ok: false });
    state.mayTell = false;
    expect(await ask(asker, ben)).toMatchObject({ ok: false, error: { code: 'refused' } });
  });

  it('is not looked for as often as a peer likes: each look reads all that is stored', async () => {
    const { time, tab, rpcOf } = tabs();
    const { state } = tab(ben, bensSpans);
    const asker = rpcOf(eve);
    const askMany = async (count: number) => {
      const before = state.looks;
      for (let i = 0; i < count; i++) {
        const call = asker.call(ben, spansMethod, { trace: hex(i + 1, 32) }, { deadline: milliseconds(900) });
        await time.advance(1);
        await call;
      }
      return state.looks - before;
    };
    expect(await askMany(500)).toBeLessThanOrEqual(61);
    await time.advance(10_000);
    expect(await askMany(100)).toBeLessThanOrEqual(11);
    const asAna = await rpcOf(ana).call(ben, spansMethod, { trace }, { deadline: milliseconds(900) });
    expect(asAna.ok).toBe(true);
  });

  it('is whole at last where somebody looks on more often than a peer tells', async () => {
    const { time, tab } = tabs();
    const own = tab(ana, anasSpans);
    const { state } = tab(ben, bensSpans);
    for (let i = 0; i < 200; i++) {
      void own.whole(trace);
      await time.advance(10);
    }
    state.spans = [...bensSpans, span(5, 3)];
    const looked = own.whole(trace);
    await time.advance(5_000);
    expect(idsOf(await looked)).toEqual([1, 2, 3, 4, 5]);
    expect(state.looks).toBeLessThanOrEqual(66);
  });

  it('ends where spans are their own ancestors', async () => {
    const { tab, rpcOf, ask } = tabs();
    tab(ben, [...bensSpans, span(20, 21), span(21, 20), span(22, 22)]);
    const told = await ask(rpcOf(ana), ben);
    expect(told.ok && idsOf(JSON.parse(told.value.spans))).toEqual([3, 4]);
  });

  it('fits into an answer, however much was done', async () => {
    const { tab, rpcOf, ask } = tabs();
    const long = 'x'.repeat(190);
    const many = Array.from({ length: 5_000 }, (_, i) => span(100 + i, 3, { name: `${long} ${i}` }));
    tab(ben, [...bensSpans, ...many]);
    const told = await ask(rpcOf(ana), ben);
    expect(told.ok && told.value.spans.length).toBeLessThanOrEqual(400_000);
    expect(told.ok && JSON.parse(told.value.spans).length).toBeGreaterThan(100);
  });

  it.each([
    ['no JSON', '{"spans": ['],
    ['no list', '{"length": 3}'],
    ['no spans', '[null, 1, "x", {}, [[]]]'],
    [
      'spans of another trace',
      JSON.stringify([{ ...span(5, 2), context: { ...span(5, 2).context, traceId: hex(9, 32) } }]),
    ],
    ['deep nesting', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ])('is what this tab knows where a peer answers with %s', async (_what, answer) => {
    const { own, wholeAt } = withHostile(answer);
    expect(idsOf(await wholeAt(own))).toEqual([1, 2]);
  });

  it('takes so many spans of a peer and no more', async () => {
    const short = JSON.stringify(span(5, 2));
    const many = `[${Array.from({ length: 1_500 }, (_, i) => short.replace(hex(5, 16), hex(100 + i, 16))).join()}]`;
    const { own, wholeAt } = withHostile(many.length <= 400_000 ? many : '[]');
    expect(await wholeAt(own)).toHaveLength(302);
    const million = withHostile(`[${'1,'.repeat(1_000_000)}1]`);
    expect(await million.wholeAt(million.own)).toHaveLength(2);
  });

  it('is not rewritten by a peer where this tab has measured itself', async () => {
    const forged = [span(1, undefined, { name: 'forged' }), span(2, 1, { failure: 'forged' }), span(3, 2)];
    const { own, wholeAt } = withHostile(JSON.stringify(forged));
    const whole = await wholeAt(own);
    expect(idsOf(whole)).toEqual([1, 2, 3]);
    expect(JSON.stringify(whole)).not.toContain('forged');
  });

  it('calls a peer by the name it is known by here', async () => {
    const { own, wholeAt } = withHostile(JSON.stringify([span(3, 2, { fields: { node: 'Ana' } })]));
    expect((await wholeAt(own))[2]?.fields['node']).toBe('Ben');
  });

  it('keeps what a peer has told when it has gone', async () => {
    const { hub, tab, wholeAt } = tabs();
    const own = tab(ana, anasSpans);
    tab(ben, bensSpans);
    expect(await wholeAt(own)).toHaveLength(4);
    hub.disconnect(ben);
    expect(await wholeAt(own)).toHaveLength(4);
  });

  it('is at least its own where a peer has gone before', async () => {
    const { tab, wholeAt } = tabs();
    const own = tab(ana, anasSpans);
    expect(idsOf(await wholeAt(own))).toEqual([1, 2]);
    expect(own.log.lines).toEqual([expect.stringMatching(/^debug telemetry: no part of a trace/)]);
  });
});
