import { describe, expect, it } from 'vitest';
import type { Locks } from '../../core/ports/locks.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import { createSharedLocks, settle } from '../testDoubles.ts';
import { createScheduler, type Grant } from './scheduler.ts';

const createTab = (locks: Locks, coreSlots = 2) =>
  createScheduler({ locks, telemetry: silentTelemetry }, { coreSlots });

/** Claims and remembers whether the claim was granted. */
const track = (scheduler: ReturnType<typeof createTab>, claim: Parameters<typeof scheduler.claim>[0]) => {
  const state: { grant: Grant | undefined; code: string | undefined } = { grant: undefined, code: undefined };
  void scheduler.claim(claim).then((result) => {
    if (result.ok) state.grant = result.value;
    else state.code = result.error.code;
  });
  return state;
};

describe('the scheduler', () => {
  it('shares one budget of cores between the tabs of a device', async () => {
    const locks = createSharedLocks();
    const [one, two] = [createTab(locks), createTab(locks)];
    const a = track(one, { runtime: 'wasm' });
    const b = track(two, { runtime: 'wasm' });
    await settle();
    const c = track(one, { runtime: 'wasm' });
    const d = track(two, { runtime: 'wasm' });
    await settle();
    expect([a, b, c, d].map(({ grant }) => grant !== undefined)).toEqual([true, true, false, false]);
    a.grant!.release();
    await settle();
    expect([c, d].filter(({ grant }) => grant !== undefined)).toHaveLength(1);
    expect(locks.held.size).toBe(2);
  });

  it('holds no lock that nobody uses', async () => {
    const locks = createSharedLocks();
    const tab = createTab(locks, 4);
    const a = track(tab, { runtime: 'wasm' });
    await settle();
    expect(locks.held.size).toBe(1);
    a.grant!.release();
    await settle();
    expect(locks.held.size).toBe(0);
    expect(tab.load()).toEqual({ granted: 0, waiting: 0 });
  });

  it('lets own work overtake work for others that asked before', async () => {
    const tab = createTab(createSharedLocks(), 1);
    const running = track(tab, { runtime: 'wasm' });
    await settle();
    const theirs = track(tab, { runtime: 'wasm' });
    const own = track(tab, { runtime: 'wasm', urgent: true });
    running.grant!.release();
    await settle();
    expect(own.grant).toBeDefined();
    expect(theirs.grant).toBeUndefined();
  });

  it('forgets a claim that is cancelled while it waits, and gives the slot to the next', async () => {
    const locks = createSharedLocks();
    const tab = createTab(locks, 1);
    const running = track(tab, { runtime: 'wasm' });
    await settle();
    const abort = new AbortController();
    const gone = track(tab, { runtime: 'wasm', signal: abort.signal });
    const next = track(tab, { runtime: 'wasm' });
    abort.abort();
    await settle();
    expect(gone.code).toBe('cancelled');
    running.grant!.release();
    await settle();
    expect(next.grant).toBeDefined();
    expect(locks.held.size).toBe(1);
  });

  it('gives the GPU to one task at a time and leaves the cores alone', async () => {
    const locks = createSharedLocks();
    const tab = createTab(locks, 1);
    const first = track(tab, { runtime: 'webgpu' });
    const second = track(createTab(locks), { runtime: 'webgpu' });
    const core = track(tab, { runtime: 'wasm' });
    await settle();
    expect([first, second, core].map(({ grant }) => grant !== undefined)).toEqual([true, false, true]);
  });

  it('releases once, however often it is asked to', async () => {
    const locks = createSharedLocks();
    const [one, two] = [createTab(locks, 1), createTab(locks, 1)];
    const a = track(one, { runtime: 'wasm' });
    await settle();
    const b = track(two, { runtime: 'wasm' });
    a.grant!.release();
    await settle();
    a.grant!.release();
    await settle();
    expect(b.grant).toBeDefined();
    expect(locks.held.size).toBe(1);
  });

  it('does not take a slot from its next holder when an old grant is released again', async () => {
    const tab = createTab(createSharedLocks(), 1);
    const a = track(tab, { runtime: 'wasm' });
    await settle();
    const b = track(tab, { runtime: 'wasm' });
    a.grant!.release();
    await settle();
    a.grant!.release();
    await settle();
    expect(b.grant).toBeDefined();
    expect(tab.load()).toEqual({ granted: 1, waiting: 0 });
  });

  it('follows a changed budget', async () => {
    const tab = createTab(createSharedLocks(), 1);
    const states = [1, 2, 3].map(() => track(tab, { runtime: 'wasm' }));
    await settle();
    expect(states.filter(({ grant }) => grant)).toHaveLength(1);
    tab.setCoreSlots(3);
    await settle();
    expect(states.filter(({ grant }) => grant)).toHaveLength(3);
  });

  it('still works where locks fail', async () => {
    const broken: Locks = {
      tryAcquire: () => Promise.reject(new Error('no locks')),
      acquire: () => Promise.reject(new Error('no locks')),
    };
    const tab = createTab(broken, 1);
    const a = track(tab, { runtime: 'wasm' });
    await settle();
    expect(a.grant).toBeDefined();
    const b = track(tab, { runtime: 'wasm' });
    await settle();
    expect(b.grant).toBeUndefined();
    a.grant!.release();
    await settle();
    expect(b.grant).toBeDefined();
  });

  it('settles who waits when it is closed', async () => {
    const tab = createTab(createSharedLocks(), 1);
    track(tab, { runtime: 'wasm' });
    await settle();
    const waiting = track(tab, { runtime: 'wasm' });
    tab.close();
    await settle();
    expect(waiting.code).toBe('closed');
    expect(await tab.claim({ runtime: 'wasm' })).toMatchObject({ error: { code: 'closed' } });
  });
});
