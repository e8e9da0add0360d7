import { describe, expect, it } from 'vitest';
import type { Locks } from '../../core/ports/locks.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import { ok } from '../../core/result.ts';
import { createMemoryStore, type KeyValueStore } from '../../storage/index.ts';
import { createAlertManager } from './manager.ts';
import type { Channel } from './outbox.ts';
import { createSignals, createTestTime } from './testDoubles.ts';
import type { AlertRule, Notification } from './types.ts';

const minute = 60_000;
const tooHot: AlertRule = {
  id: 'too-hot',
  title: 'Too hot',
  severity: 'page',
  group: 'device',
  condition: { kind: 'threshold', metric: 'heat', of: 'latest', windowMs: minute, above: 10 },
  forMs: 0,
  resolveAfterMs: minute,
  advice: 'Cool it.',
  runbook: 'docs/runbook.md#too-hot',
  enabled: true,
};

const createLocks = (): Locks => {
  const held = new Set<string>();
  const take = (name: string) => {
    held.add(name);
    return () => void held.delete(name);
  };
  return {
    tryAcquire: async (name) => (held.has(name) ? undefined : take(name)),
    acquire: async (name) => take(name),
  };
};

/** A browser: tabs share its disk and its locks. */
const openBrowser = (store: KeyValueStore = createMemoryStore()) => {
  const time = createTestTime(1_790_000_000_000);
  const signals = createSignals();
  const locks = createLocks();
  const told: string[] = [];
  const channel: Channel = {
    id: 'page',
    notify: async ({ kind, title }: Notification) => {
      told.push(`${kind}: ${title}`);
      return ok(undefined);
    },
  };
  const openTab = (channels: readonly Channel[] = [channel]) =>
    createAlertManager(
      {
        ...time,
        locks,
        store,
        channels,
        reader: signals.reader,
        health: () => undefined,
        random: { bytes: (length) => new Uint8Array(length).fill(told.length + 1) },
        telemetry: silentTelemetry,
      },
      { rules: [tooHot], origin: 'browser' },
    );
  const run = async (duration: number, heat: number) => {
    for (let passed = 0; passed < duration; passed += 15_000) {
      signals.put('heat', time.clock.now(), heat);
      await time.pass(15_000);
    }
  };
  return { openTab, run, told, time, store };
};

describe('a manager of alerts', () => {
  it('tells what fires and what is over', async () => {
    const { openTab, run, told } = openBrowser();
    const manager = openTab();
    await run(minute, 20);
    expect(told).toEqual(['firing: Too hot']);
    expect(manager.alerts.get()).toMatchObject([{ state: 'firing', seen: false }]);
    manager.markSeen();
    expect(manager.alerts.get()).toMatchObject([{ seen: true }]);
    await run(3 * minute, 1);
    expect(told).toEqual(['firing: Too hot', 'resolved: Resolved: Too hot']);
  });

  it('tells once, however many tabs there are, and another tab goes on when one is closed', async () => {
    const { openTab, run, told } = openBrowser();
    const [first, second] = [openTab(), openTab()];
    await run(minute, 20);
    expect(told).toEqual(['firing: Too hot']);
    expect([first.delivery.get().tells, second.delivery.get().tells]).toEqual([true, false]);
    first.close();
    await run(3 * minute, 1);
    expect(second.delivery.get().tells).toBe(true);
    expect(told).toEqual(['firing: Too hot', 'resolved: Resolved: Too hot']);
  });

  it('takes over what the other tab told, though each has found it at another instant', async () => {
    const { openTab, run, told, time } = openBrowser();
    const first = openTab();
    await time.pass(4_000);
    const second = openTab();
    await run(minute, 20);
    const [found, toldOf] = [second.alerts.get()[0]?.firedAt, first.alerts.get()[0]?.firedAt];
    expect(found).not.toBe(toldOf);
    first.close();
    await run(2 * minute, 20);
    expect(second.delivery.get().tells).toBe(true);
    expect(told).toEqual(['firing: Too hot']);
    await run(3 * minute, 1);
    expect(told).toEqual(['firing: Too hot', 'resolved: Resolved: Too hot']);
  });

  it('knows after a reload what fires and what was told', async () => {
    const { openTab, run, told } = openBrowser();
    const before = openTab();
    await run(minute, 20);
    before.close();
    const after = openTab();
    await run(minute, 20);
    expect(told).toEqual(['firing: Too hot']);
    expect(after.alerts.get()).toMatchObject([{ id: 'too-hot|heat', state: 'firing' }]);
  });

  it('tells after a reload what it could not tell before', async () => {
    const { openTab, run, told } = openBrowser();
    const hanging = openTab([{ id: 'page', notify: () => new Promise(() => {}) }]);
    await run(minute, 20);
    hanging.close();
    openTab();
    await run(minute, 20);
    expect(told).toEqual(['firing: Too hot']);
  });

  it('keeps silences and changes of rules, and other tabs see them', async () => {
    const { openTab, run, told, time } = openBrowser();
    const [first, second] = [openTab(), openTab()];
    await time.settle();
    const now = time.clock.now();
    const silence = {
      match: { rule: 'too-hot' },
      from: now,
      until: now + 10 * minute,
      reason: 'repair',
    } as const;
    expect((await first.silence(silence)).ok).toBe(true);
    await run(minute, 20);
    expect(told).toEqual([]);
    expect(second.silences.get()).toMatchObject([{ reason: 'repair' }]);
    await second.endSilence(second.silences.get()[0]?.id ?? '');
    await run(minute, 20);
    expect(told).toEqual(['firing: Too hot']);
    expect((await first.setRule('too-hot', { enabled: false })).ok).toBe(true);
    await run(minute, 20);
    expect([first, second].map((tab) => tab.rules.get()[0]?.enabled)).toEqual([false, false]);
  });

  it('refuses rules and silences that can not be', async () => {
    const { openTab, time } = openBrowser();
    const manager = openTab();
    await time.settle();
    const codeOf = async (change: Parameters<typeof manager.setRule>[1], id = 'too-hot') => {
      const result = await manager.setRule(id, change);
      return result.ok ? 'ok' : result.error.code;
    };
    const condition = tooHot.condition;
    expect(await codeOf({ enabled: true }, 'nothing')).toBe('unknown-rule');
    expect(
      await codeOf({ enabled: true, condition: { kind: 'absence', metric: 'heat', forMs: minute } }),
    ).toBe('condition');
    expect(
      await codeOf({ enabled: true, condition: { ...condition, windowMs: Number.NaN } as typeof condition }),
    ).toBe('condition');
    expect(
      await codeOf({ enabled: true, condition: { ...condition, metric: 'heat{' } as typeof condition }),
    ).toBe('condition');
    expect(await codeOf({ enabled: true, condition: { ...condition, above: 30 } as typeof condition })).toBe(
      'ok',
    );
    const past = await manager.silence({ match: 'all', from: 0, until: 1, reason: '' });
    expect(past.ok).toBe(false);
  });

  it('says which channel takes a test', async () => {
    const { openTab, time } = openBrowser();
    const manager = openTab([
      { id: 'good', notify: async () => ok(undefined) },
      { id: 'hangs', notify: () => new Promise(() => {}) },
    ]);
    const outcomes = manager.testChannels();
    await time.pass(11_000);
    expect(await outcomes).toEqual([
      { channel: 'good', outcome: 'told' },
      { channel: 'hangs', outcome: 'hangs did not answer within 10 s' },
    ]);
  });
});

describe('where the disk is no help', () => {
  const failing = (work: () => Promise<never>): KeyValueStore => ({
    ...createMemoryStore(),
    get: work,
    set: work,
  });

  it.each([
    ['is full', () => Promise.reject(new Error('no room'))],
    ['never answers', () => new Promise<never>(() => {})],
  ])('that %s, everything is told all the same, and that nothing is kept is said', async (_what, work) => {
    const { openTab, run, told } = openBrowser(failing(work));
    const manager = openTab();
    await run(2 * minute, 20);
    expect(manager.alerts.get()).toMatchObject([{ state: 'firing' }]);
    expect(told).toEqual(['firing: Too hot']);
    expect(manager.delivery.get().problem).toContain('alerts are not kept');
  });

  it('that became full, what a person sets holds in this tab all the same', async () => {
    const store = createMemoryStore();
    let full = false;
    const set: KeyValueStore['set'] = async (...entry) => {
      if (full) throw new Error('no room');
      await store.set(...entry);
    };
    const { openTab, run, told, time } = openBrowser({ ...store, set });
    const manager = openTab();
    await time.settle();
    const from = time.clock.now();
    const silence = { match: { group: 'other' }, from, until: from + 60 * minute, reason: 'kept' } as const;
    await manager.silence(silence);
    full = true;
    await manager.silence({ ...silence, match: { rule: 'too-hot' }, reason: 'not kept' });
    await manager.silence({ ...silence, reason: 'not kept either' });
    await run(2 * minute, 20);
    const reasons = () => manager.silences.get().map(({ reason }) => reason);
    expect(reasons()).toEqual(['kept', 'not kept', 'not kept either']);
    expect(told).toEqual([]);
    full = false;
    await manager.setRule('too-hot', { enabled: false });
    const later = openTab();
    await time.settle();
    expect(later.rules.get()[0]?.enabled).toBe(false);
    expect(later.silences.get()).toEqual(manager.silences.get());
    expect(reasons()).toEqual(['kept', 'not kept', 'not kept either']);
  });

  it('that is slow, what is set while it is read is not undone by what was read', async () => {
    const store = createMemoryStore();
    let slow = false;
    let answer = () => {};
    const get: KeyValueStore['get'] = async (namespace, key) => {
      const value = await store.get(namespace, key);
      if (slow && key === 'settings')
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
      return value;
    };
    const { openTab, time } = openBrowser({ ...store, get });
    const manager = openTab();
    await time.settle();
    await manager.setRule('too-hot', { enabled: true });
    slow = true;
    await time.pass(10_000);
    slow = false;
    await manager.setRule('too-hot', { enabled: false });
    answer();
    await time.settle();
    expect(manager.rules.get()[0]?.enabled).toBe(false);
  });

  it('that holds what a newer version wrote, it is left as it is', async () => {
    const store = createMemoryStore();
    await store.set('alerts', 'record', { version: 2, more: 'than we know' });
    const { openTab, run, told } = openBrowser(store);
    const manager = openTab();
    await run(2 * minute, 20);
    expect(told).toEqual(['firing: Too hot']);
    expect(await store.get('alerts', 'record')).toEqual({ version: 2, more: 'than we know' });
    expect(manager.delivery.get().problem).toContain('newer version');
  });

  it('that holds nonsense, one begins anew', async () => {
    const store = createMemoryStore();
    await store.set('alerts', 'record', { version: 1, tracked: [{ view: 1 }] });
    await store.set('alerts', 'settings', 'nonsense');
    const { openTab, run, told } = openBrowser(store);
    openTab();
    await run(minute, 20);
    expect(told).toEqual(['firing: Too hot']);
  });
});
