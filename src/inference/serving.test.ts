import { describe, expect, it, vi } from 'vitest';
import type { AccountId, JobId, PeerId, TaskId } from '../core/brand.ts';
import { milliseconds } from '../core/brand.ts';
import { createStore } from '../core/events.ts';
import { silentTelemetry } from '../core/ports/telemetry.ts';
import { ok } from '../core/result.ts';
import { createNodeCryptoForTests } from '../identity/testDoubles.ts';
import type { PeerIdentity } from '../identity/types.ts';
import type { Handler, Method, Rpc } from '../mesh/contracts.ts';
import type { WorkReceipt } from './contracts.ts';
import { hashInput, hashOutput } from './hashes.ts';
import type { EngineState, RecognizeOutput } from './ocr/types.ts';
import type { TaskProgress, TaskRequest, TaskResponse } from './protocol.ts';
import { verifyWorkerHalf } from './receipts.ts';
import { createServing, type ServingDeps } from './serving.ts';
import { idOf, modelHash } from './testDoubles.ts';

const crypto = createNodeCryptoForTests();
const deviceSigner = await crypto.signingKeyFromSeed(new Uint8Array(32).fill(1));
const requesterKey = await crypto.signingKeyFromSeed(new Uint8Array(32).fill(2));
const ana = idOf<PeerId>('ana');
const models = { 'ocr.detect': modelHash('detector'), 'ocr.recognize': modelHash('recogniser') };
const input = { lines: [{ width: 320, height: 48, data: new Uint8Array([1, 2, 3]) }] };
const output: RecognizeOutput = { lines: [{ text: 'hello', confidence: 0.9 }] };
const inputHash = await hashInput('ocr.recognize', input, crypto);
const idleState: EngineState = { phase: 'ready', progress: 1, choice: undefined, error: undefined };

const requester = (account: string): PeerIdentity =>
  ({ peer: ana, account: idOf<AccountId>(account), deviceKey: requesterKey.publicKey }) as PeerIdentity;

type Answer = Awaited<
  ReturnType<Handler<TaskRequest<'ocr.recognize'>, TaskResponse<'ocr.recognize'>, TaskProgress>>
>;

const openServing = (more: Partial<ServingDeps> = {}) => {
  const handlers = new Map<string, Handler<unknown, unknown, unknown>>();
  const rpc = {
    handle(method: Method<unknown, unknown, unknown>, handler: Handler<unknown, unknown, unknown>) {
      handlers.set(method.name, handler);
      return () => void handlers.delete(method.name);
    },
  } as unknown as Rpc;
  const finishers: (() => void)[] = [];
  const claims: WorkReceipt[] = [];
  const serving = createServing({
    self: { account: idOf<AccountId>('me'), deviceKey: deviceSigner.publicKey, deviceSigner },
    engine: {
      slots: () => 1,
      state: createStore(idleState),
      detect: async () => ok({ boxes: [] }),
      recognize: () => new Promise((resolve) => finishers.push(() => resolve(ok(output)))),
    },
    rpc,
    crypto,
    clock: { now: () => milliseconds(5), monotonic: () => milliseconds(5) },
    telemetry: silentTelemetry,
    models,
    identityOf: () => requester('ana'),
    mayServe: () => ({ open: true }),
    claimed: async (claim) => void claims.push(claim),
    ...more,
  });
  const ask = (
    changes: Partial<TaskRequest<'ocr.recognize'>> = {},
    signal = new AbortController().signal,
    from = ana,
  ) => {
    const progress: TaskProgress[] = [];
    const answer = handlers.get('ocr.recognize')!(
      {
        unit: idOf<TaskId>('unit'),
        job: idOf<JobId>('job'),
        model: models['ocr.recognize'],
        inputHash,
        input,
        ...changes,
      },
      { from, signal, progress: (value) => void progress.push(value as TaskProgress) },
    ) as Promise<Answer>;
    return { answer, progress };
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const finish = async () => {
    await vi.waitUntil(() => finishers.length > 0);
    finishers.shift()?.();
    await settle();
  };
  return { serving, ask, finish, settle, claims };
};

describe('work for others', () => {
  it('ends in an answer and a claim that says exactly what was done', async () => {
    const { ask, finish, claims } = openServing();
    const { answer, progress } = ask();
    await finish();
    const given = await answer;
    if (!given.ok || !given.value.claim) throw new Error('expected an answer with a claim');
    expect(given.value.output).toEqual(output);
    expect(progress.map(({ phase }) => phase)).toEqual(['queued', 'running']);
    const { body } = given.value.claim;
    expect(body).toMatchObject({
      input: inputHash,
      output: hashOutput('ocr.recognize', output),
      kind: 'ocr.recognize',
    });
    expect(body.cost).toMatchObject({ pixels: 320 * 48, milliCredits: 71 });
    expect((await verifyWorkerHalf(given.value.claim, crypto)).ok).toBe(true);
    expect(claims).toHaveLength(1);
  });

  it('inside one account earns nothing', async () => {
    const { ask, finish, claims } = openServing({ identityOf: () => requester('me') });
    const { answer } = ask();
    await finish();
    expect(await answer).toMatchObject({ ok: true, value: { claim: null } });
    expect(claims).toEqual([]);
  });

  it.each([
    [
      'closed',
      { mayServe: () => ({ open: false as const, reason: 'on battery' }) },
      {},
      'refused',
      'on battery',
    ],
    ['a stranger', { identityOf: () => undefined }, {}, 'refused', 'not linked'],
    ['another model', {}, { model: modelHash('other') }, 'refused', 'another model'],
    ['changed bytes', {}, { inputHash: modelHash('other') }, 'refused', 'hash'],
  ])('is refused when %s', async (_, deps, changes, code, words) => {
    const { ask } = openServing(deps);
    expect(await ask(changes).answer).toMatchObject({
      ok: false,
      error: { code, message: expect.stringContaining(words) },
    });
  });

  it('gives one requester one waiting place more than there are slots, and the others theirs', async () => {
    const { ask, settle, serving } = openServing();
    ask();
    ask();
    await settle();
    expect(await ask().answer).toMatchObject({ ok: false, error: { code: 'overloaded' } });
    const other = ask({}, new AbortController().signal, idOf<PeerId>('cem'));
    await settle();
    expect(other.progress).toEqual([{ phase: 'queued' }]);
    expect(serving.load()).toBe(3);
  });

  it('goes on with the next when one is cancelled in the queue, and claims nothing for it', async () => {
    const { ask, finish, settle, serving, claims } = openServing();
    const first = ask();
    const gone = new AbortController();
    const second = ask({}, gone.signal);
    await settle();
    gone.abort();
    expect(await second.answer).toMatchObject({ ok: false });
    expect(serving.load()).toBe(1);
    await finish();
    expect((await first.answer).ok).toBe(true);
    expect(serving.load()).toBe(0);
    expect(claims).toHaveLength(1);
  });

  it('cancelled while it runs is not claimed', async () => {
    const { ask, finish, settle, claims } = openServing();
    const controller = new AbortController();
    const { answer } = ask({}, controller.signal);
    await settle();
    controller.abort();
    await finish();
    expect((await answer).ok).toBe(false);
    expect(claims).toEqual([]);
  });
});
