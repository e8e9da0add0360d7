import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { milliseconds, type PeerId } from '../../core/brand.ts';
import { decodeCbor } from '../../core/codec.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import { err, fault, ok } from '../../core/result.ts';
import type { Handler, Method } from '../contracts.ts';
import { createManualTime, createTransportHub } from '../testDoubles.ts';
import { encodeRpc, type RpcMessage } from './protocol.ts';
import { createRpc, type RpcOptions } from './rpc.ts';

const ana = 'ana' as PeerId;
const ben = 'ben' as PeerId;

const count = v.object({ n: v.number() });
type Count = v.InferOutput<typeof count>;
const double: Method<Count, Count, Count> = {
  name: 'double',
  input: count,
  output: count,
  progress: count,
  priority: 'bulk',
};
const minute = { deadline: milliseconds(60_000) };

const createPair = (options: RpcOptions = {}) => {
  const time = createManualTime();
  const hub = createTransportHub();
  const deps = { ...time, telemetry: silentTelemetry };
  const transports = { ana: hub.join(ana), ben: hub.join(ben) };
  const heardByAna: (RpcMessage['t'] | undefined)[] = [];
  const heardByBen: (RpcMessage['t'] | undefined)[] = [];
  transports.ana.messages(({ bytes }) => heardByAna.push(kindOf(bytes)));
  transports.ben.messages(({ bytes }) => heardByBen.push(kindOf(bytes)));
  return {
    time,
    hub,
    heardByAna,
    heardByBen,
    ana: createRpc(transports.ana, deps, options),
    ben: createRpc(transports.ben, deps, options),
    /** What a peer that keeps to no rules sends. */
    inject: (from: PeerId, to: PeerId, message: RpcMessage) => hub.inject(from, to, encodeRpc(message)),
  };
};

const kindOf = (bytes: Uint8Array) => {
  const decoded = decodeCbor(bytes);
  return decoded.ok ? (decoded.value as Partial<RpcMessage> | null)?.t : undefined;
};

/** A handler that is held until the test lets it go, and shows what it was given. */
const createHeldHandler = () => {
  const runs: { readonly input: Count; readonly signal: AbortSignal; readonly release: () => void }[] = [];
  const handler: Handler<Count, Count, Count> = (input, { signal }) =>
    new Promise((resolve) => runs.push({ input, signal, release: () => resolve(ok({ n: input.n * 2 })) }));
  return { runs, handler };
};

describe('a call', () => {
  it('is answered', async () => {
    const { time, ana: caller, ben: server } = createPair();
    server.handle(double, async ({ n }) => ok({ n: n * 2 }));
    const call = caller.call(ben, double, { n: 21 }, minute);
    await time.advance(0);
    expect(await call).toEqual({ ok: true, value: { n: 42 } });
  });

  it('ends with the error that its handler names', async () => {
    const { time, ana: caller, ben: server } = createPair();
    server.handle(double, async () => err(fault('refused', 'I am on battery')));
    const call = caller.call(ben, double, { n: 1 }, minute);
    await time.advance(0);
    expect(await call).toMatchObject({ error: { code: 'refused', message: 'I am on battery' } });
  });

  it('fails when its handler throws, without telling a stranger why', async () => {
    const { time, ana: caller, ben: server } = createPair();
    server.handle(double, async () => {
      throw new Error('the secret path is /home/ben');
    });
    const call = caller.call(ben, double, { n: 1 }, minute);
    await time.advance(0);
    expect(await call).toMatchObject({ error: { code: 'failed', message: 'double failed here' } });
  });

  it('fails when the answer can not be encoded', async () => {
    const { time, ana: caller, ben: server } = createPair();
    server.handle(double, async () => ok({ n: Number.NaN }));
    const call = caller.call(ben, double, { n: 1 }, minute);
    await time.advance(0);
    expect(await call).toMatchObject({ error: { code: 'failed' } });
  });

  it('throws, and leaves nothing behind, when its input can not be encoded', async () => {
    const { time, heardByBen, ana: caller } = createPair();
    await expect(caller.call(ben, double, { n: Number.NaN }, minute)).rejects.toThrow(/finite/);
    await time.advance(120_000);
    expect(heardByBen).toEqual([]);
  });

  it('hears its progress in order, before the answer', async () => {
    const { time, ana: caller, ben: server } = createPair();
    server.handle(double, async ({ n }, { progress }) => {
      for (let i = 1; i <= 3; i++) progress({ n: i });
      return ok({ n });
    });
    const heard: number[] = [];
    const call = caller.call(ben, double, { n: 9 }, { ...minute, onProgress: ({ n }) => heard.push(n) });
    void call.then((result) => heard.push(result.ok ? result.value.n : -1));
    await time.advance(0);
    expect(heard).toEqual([1, 2, 3, 9]);
  });

  it('of a method that nobody handles is refused', async () => {
    const { time, ana: caller } = createPair();
    const call = caller.call(ben, double, { n: 1 }, minute);
    await time.advance(0);
    expect(await call).toMatchObject({
      error: { code: 'refused', message: expect.stringMatching(/double/) },
    });
  });

  it('of a peer without a link is lost at once', async () => {
    const { ana: caller } = createPair();
    expect(await caller.call('eva' as PeerId, double, { n: 1 }, minute)).toMatchObject({
      error: { code: 'peer-lost' },
    });
  });

  it('is lost with its link, and its handler is told', async () => {
    const { time, hub, ana: caller, ben: server } = createPair();
    const { runs, handler } = createHeldHandler();
    server.handle(double, handler);
    const call = caller.call(ben, double, { n: 1 }, minute);
    await time.advance(0);
    hub.down(ben, ana);
    expect(await call).toMatchObject({ error: { code: 'peer-lost' } });
    expect(runs[0]!.signal.aborted).toBe(false);
    hub.down(ana, ben);
    expect(runs[0]!.signal.aborted).toBe(true);
  });

  it('passes its deadline, and its handler stops', async () => {
    const { time, ana: caller, ben: server } = createPair();
    const { runs, handler } = createHeldHandler();
    server.handle(double, handler);
    const call = caller.call(ben, double, { n: 1 }, { deadline: milliseconds(5_000) });
    await time.advance(4_999);
    expect(runs[0]!.signal.aborted).toBe(false);
    await time.advance(1);
    expect(await call).toMatchObject({ error: { code: 'deadline' } });
    expect(runs[0]!.signal.aborted).toBe(true);
  });

  it('cancelled by its caller ends at once here and reaches the handler there', async () => {
    const { time, ana: caller, ben: server } = createPair();
    const { runs, handler } = createHeldHandler();
    server.handle(double, handler);
    const cancel = new AbortController();
    const call = caller.call(ben, double, { n: 1 }, { ...minute, signal: cancel.signal });
    await time.advance(100);
    cancel.abort();
    expect(await call).toMatchObject({ error: { code: 'cancelled' } });
    await time.advance(0);
    expect(runs[0]!.signal.aborted).toBe(true);
  });

  it('cancelled before it began is never sent', async () => {
    const { time, heardByBen, ana: caller } = createPair();
    const call = caller.call(ben, double, { n: 1 }, { ...minute, signal: AbortSignal.abort() });
    await time.advance(0);
    expect(await call).toMatchObject({ error: { code: 'cancelled' } });
    expect(heardByBen).toEqual([]);
  });

  it('that its cancel overtook is not run', async () => {
    const { time, inject, ben: server } = createPair();
    const { runs, handler } = createHeldHandler();
    server.handle(double, handler);
    inject(ana, ben, { t: 'cancel', id: 1 });
    inject(ana, ben, { t: 'call', id: 1, m: 'double', i: { n: 1 }, d: 1_000 });
    inject(ana, ben, { t: 'call', id: 2, m: 'double', i: { n: 2 }, d: 1_000 });
    await time.advance(0);
    expect(runs.map(({ input }) => input.n)).toEqual([2]);
  });

  it('that arrives twice runs once', async () => {
    const { time, inject, heardByAna, ben: server } = createPair();
    const { runs, handler } = createHeldHandler();
    server.handle(double, handler);
    for (let i = 0; i < 2; i++) inject(ana, ben, { t: 'call', id: 1, m: 'double', i: { n: 1 }, d: 1_000 });
    await time.advance(0);
    expect(runs).toHaveLength(1);
    runs[0]!.release();
    await time.advance(0);
    inject(ana, ben, { t: 'call', id: 1, m: 'double', i: { n: 1 }, d: 1_000 });
    await time.advance(0);
    expect(runs).toHaveLength(1);
    expect(heardByAna).toEqual(['answer']);
  });

  it('that is too large to send says so, and not that its peer is gone', async () => {
    const { time, hub, ana: caller } = createPair();
    hub.failSends('too-large');
    const call = caller.call(ben, double, { n: 1 }, minute);
    await time.advance(0);
    expect(await call).toMatchObject({ error: { code: 'overloaded' } });
  });

  it('whose answer is too large to send fails at once', async () => {
    const { time, hub, ana: caller, ben: server } = createPair();
    server.handle(double, async ({ n }) => {
      hub.failSends('too-large', 1);
      return ok({ n });
    });
    const call = caller.call(ben, double, { n: 1 }, minute);
    await time.advance(0);
    expect(await call).toMatchObject({
      error: { code: 'failed', message: expect.stringMatching(/too-large/) },
    });
  });
});

describe('a silent peer', () => {
  it('is asked after a second, given up after three, and told', async () => {
    const { time, hub, heardByBen, ana: caller, ben: server } = createPair();
    server.handle(double, createHeldHandler().handler);
    const call = caller.call(ben, double, { n: 1 }, minute);
    await time.advance(500);
    hub.silence(ben);
    const sent = hub.watchSends(ana);
    await time.advance(499);
    expect(sent).toEqual([]);
    await time.advance(1);
    expect(sent.map(kindOf)).toEqual(['ping']);
    let ended = false;
    void call.then(() => {
      ended = true;
    });
    await time.advance(1_999);
    expect(ended).toBe(false);
    await time.advance(1);
    expect(await call).toMatchObject({ error: { code: 'silent' } });
    expect(sent.map(kindOf).at(-1)).toBe('cancel');
    expect(heardByBen).toEqual(['call']);
  });

  it('is not hidden by a stream of new calls', async () => {
    const { time, hub, ana: caller } = createPair();
    hub.silence(ben);
    const ends: string[] = [];
    for (let i = 0; i < 8; i++) {
      void caller
        .call(ben, double, { n: i }, minute)
        .then((result) => ends.push(result.ok ? 'ok' : `${i} ${result.error.code}`));
      await time.advance(1_000);
    }
    expect(ends.slice(0, 3)).toEqual(['0 silent', '1 silent', '2 silent']);
  });

  it('is given its three seconds however long nobody has called it', async () => {
    const { time, hub, ana: caller, ben: server } = createPair();
    server.handle(double, async ({ n }) => ok({ n }));
    await Promise.all([caller.call(ben, double, { n: 1 }, minute), time.advance(60_000)]);
    hub.silence(ben);
    let end: string | undefined;
    void caller.call(ben, double, { n: 2 }, minute).then((result) => {
      end = result.ok ? 'ok' : result.error.code;
    });
    await time.advance(2_999);
    expect(end).toBeUndefined();
    await time.advance(1);
    expect(end).toBe('silent');
  });

  it('is not one whose handler is slow while its tab answers pings', async () => {
    const { time, heardByBen, ana: caller, ben: server } = createPair();
    const { runs, handler } = createHeldHandler();
    server.handle(double, handler);
    const call = caller.call(ben, double, { n: 4 }, minute);
    await time.advance(30_000);
    expect(heardByBen.filter((kind) => kind === 'ping').length).toBeGreaterThan(10);
    runs[0]!.release();
    await time.advance(0);
    expect(await call).toEqual({ ok: true, value: { n: 8 } });
  });

  it('is not one that this tab could not ask, because it was asleep itself', async () => {
    const { time, ana: caller, ben: server } = createPair();
    const { runs, handler } = createHeldHandler();
    server.handle(double, handler);
    const call = caller.call(ben, double, { n: 4 }, minute);
    await time.advance(800);
    time.sleep(20_000);
    await time.advance(5_000);
    runs[0]!.release();
    await time.advance(0);
    expect(await call).toEqual({ ok: true, value: { n: 8 } });
  });
});

describe('a peer that breaks the protocol', () => {
  it('is expelled for a call against the schema, which does not run', async () => {
    const { time, hub, inject, ben: server } = createPair();
    const { runs, handler } = createHeldHandler();
    server.handle(double, handler);
    inject(ana, ben, { t: 'call', id: 1, m: 'double', i: { n: 'two' }, d: 1_000 });
    await time.advance(0);
    expect(hub.expelled).toMatchObject([
      { by: ben, peer: ana, reason: expect.stringMatching(/double.*schema/) },
    ]);
    expect(runs).toEqual([]);
  });

  it('gets no answer against the schema accepted', async () => {
    const { time, heardByBen, ana: caller, ben: server } = createPair();
    server.handle({ ...double, output: v.any() }, async () => ok('two'));
    const call = caller.call(ben, double, { n: 1 }, minute);
    await time.advance(0);
    expect(await call).toMatchObject({ error: { code: 'invalid' } });
    expect(heardByBen.at(-1)).toBe('cancel');
  });

  it('gets no progress against the schema accepted', async () => {
    const { time, ana: caller, ben: server } = createPair();
    const { handler } = createHeldHandler();
    server.handle({ ...double, progress: v.any() }, (input, context) => {
      context.progress('half');
      return handler(input, context);
    });
    const heard: unknown[] = [];
    const call = caller.call(ben, double, { n: 1 }, { ...minute, onProgress: (one) => heard.push(one) });
    await time.advance(0);
    expect(await call).toMatchObject({ error: { code: 'invalid' } });
    expect(heard).toEqual([]);
  });

  it('is expelled after a few answers to calls that were never made', async () => {
    const { time, hub, inject } = createPair();
    for (let i = 0; i < 3; i++) inject(ben, ana, { t: 'answer', id: 1_000 + i, v: { n: 1 } });
    expect(hub.expelled).toEqual([]);
    inject(ben, ana, { t: 'answer', id: 2_000, v: { n: 1 } });
    await time.advance(0);
    expect(hub.expelled).toMatchObject([{ by: ana, peer: ben, reason: expect.stringMatching(/never made/) }]);
  });

  it('is not one whose answers come late', async () => {
    const { time, hub, inject, ana: caller } = createPair();
    const call = caller.call(ben, double, { n: 1 }, { deadline: milliseconds(100) });
    await time.advance(100);
    expect((await call).ok).toBe(false);
    for (let i = 0; i < 10; i++) inject(ben, ana, { t: 'answer', id: 1, v: { n: 1 } });
    expect(hub.expelled).toEqual([]);
  });

  it('can not answer in the place of another', async () => {
    const { time, hub, inject, ana: caller, ben: server } = createPair();
    const { runs, handler } = createHeldHandler();
    server.handle(double, handler);
    hub.join('eva');
    const call = caller.call(ben, double, { n: 3 }, minute);
    await time.advance(0);
    inject('eva' as PeerId, ana, { t: 'answer', id: 1, v: { n: 666 } });
    runs[0]!.release();
    await time.advance(0);
    expect(await call).toEqual({ ok: true, value: { n: 6 } });
  });

  it('is expelled for bytes that are no message, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const { hub } = createPair();
        hub.inject(ben, ana, new Uint8Array(bytes));
        expect(hub.expelled).toHaveLength(1);
      }),
    );
  });
});

describe('limits', () => {
  it('refuse a peer its calls above its share, and give a place back when one is done', async () => {
    const { time, ana: caller, ben: server } = createPair({ maxInboundPerPeer: 2 });
    const { runs, handler } = createHeldHandler();
    server.handle(double, handler);
    const calls = [1, 2, 3].map((n) => caller.call(ben, double, { n }, minute));
    await time.advance(0);
    expect(await calls[2]).toMatchObject({ error: { code: 'overloaded' } });
    runs[0]!.release();
    await time.advance(0);
    void caller.call(ben, double, { n: 4 }, minute);
    await time.advance(0);
    expect(runs.map(({ input }) => input.n)).toEqual([1, 2, 4]);
  });

  it('hold for all peers together', async () => {
    const { time, hub, inject, ben: server } = createPair({ maxInbound: 2 });
    const { runs, handler } = createHeldHandler();
    server.handle(double, handler);
    for (const name of ['p', 'q', 'r']) {
      hub.join(name);
      inject(name as PeerId, ben, { t: 'call', id: 1, m: 'double', i: { n: 1 }, d: 1_000 });
    }
    await time.advance(0);
    expect(runs).toHaveLength(2);
  });

  it('count a cancelled call until its handler has stopped', async () => {
    const { time, inject, ben: server } = createPair({ maxInboundPerPeer: 2 });
    const { runs, handler } = createHeldHandler();
    server.handle(double, handler);
    for (let id = 1; id <= 10; id++) {
      inject(ana, ben, { t: 'call', id, m: 'double', i: { n: id }, d: 1_000 });
      inject(ana, ben, { t: 'cancel', id });
    }
    await time.advance(0);
    expect(runs).toHaveLength(2);
  });
});

describe('closing', () => {
  it('settles every call, aborts every handler and stops every timer', async () => {
    const { time, ana: caller, ben: server } = createPair();
    const { runs, handler } = createHeldHandler();
    server.handle(double, handler);
    const calls = [1, 2].map((n) => caller.call(ben, double, { n }, minute));
    await time.advance(0);
    caller.close();
    for (const call of calls) expect(await call).toMatchObject({ error: { code: 'peer-lost' } });
    server.close();
    expect(runs.map(({ signal }) => signal.aborted)).toEqual([true, true]);
    for (const { release } of runs) release();
    await time.advance(0);
    expect(time.pending()).toBe(0);
    expect(await caller.call(ben, double, { n: 3 }, minute)).toMatchObject({ error: { code: 'peer-lost' } });
    expect(time.pending()).toBe(0);
  });
});
