import { describe, expect, it } from 'vitest';
import { type AccountId, type DeviceId, milliseconds, type PeerId, type TaskId } from '../core/brand.ts';
import type { NodeStatus } from './contracts.ts';
import { coordinatorDefaults } from './coordinator.ts';
import { openTask } from './job/pages.ts';
import type { Attempt, Task } from './job/state.ts';
import { createPeerBook } from './peerBook.ts';
import { idOf } from './testDoubles.ts';

const self = { peer: idOf<PeerId>('self'), account: idOf<AccountId>('me') };
const ben = idOf<PeerId>('ben');
const task: Task = { ...openTask(idOf<TaskId>('task'), 'ocr.recognize', 0), pixels: 100_000, bytes: 400_000 };
const status = (more: Partial<NodeStatus> = {}): NodeStatus =>
  ({
    peer: ben,
    account: idOf<AccountId>('account of ben'),
    device: idOf<DeviceId>('device of ben'),
    name: 'ben',
    accepts: { open: true },
    slots: 2,
    queued: 0,
    speeds: [],
    runtime: undefined,
    models: {},
    ...more,
  }) as NodeStatus;

const openBook = () => {
  let now = 0;
  let attempts = 0;
  const book = createPeerBook(
    {
      clock: { now: () => milliseconds(now), monotonic: () => milliseconds(now) },
      self,
      own: () => ({ name: 'self', slots: 1, speeds: [], runtime: undefined, models: {} }),
      mayUseOthers: () => true,
      rtt: () => milliseconds(20),
    },
    coordinatorDefaults,
  );
  const start = (): Attempt => {
    const attempt: Attempt = {
      id: attempts++,
      task: task.id,
      node: ben,
      purpose: 'answer',
      startedAt: milliseconds(now),
      expectedMs: milliseconds(500),
    };
    book.started(attempt, task);
    return attempt;
  };
  return {
    book,
    start,
    wait: (forMs: number) => {
      now += forMs;
    },
    find: () => book.candidates().find(({ peer }) => peer === ben),
  };
};

describe('peer book', () => {
  it('knows this device always, and others while they are here', () => {
    const { book, find } = openBook();
    expect(book.candidates()).toHaveLength(1);
    expect(book.register(status())).toBe(true);
    expect(book.register(status({ queued: 3 }))).toBe(false);
    book.remove(ben);
    expect(find()).toBeUndefined();
  });

  it('says who opened up, so that whoever waits goes on', () => {
    const { book, find } = openBook();
    book.register(status({ accepts: { open: false, reason: 'on battery' } }));
    expect(find()?.closed).toBe('on battery');
    expect(book.register(status())).toBe(true);
  });

  it('tells transfer from work by the moment the input arrived', () => {
    const { book, start, wait, find } = openBook();
    book.register(status());
    const attempt = start();
    wait(420);
    const receivedAt = milliseconds(420);
    wait(200);
    book.ended(attempt, { kind: 'answered', task, receivedAt });
    expect(find()).toMatchObject({ bytesPerMs: 1_000, speeds: { 'ocr.recognize': 0.5 }, outstanding: 0 });
  });

  it('leaves a node alone after three failures, then tries it once', () => {
    const { book, start, wait, find } = openBook();
    book.register(status());
    for (let failure = 0; failure < 3; failure++) book.ended(start(), { kind: 'failed' });
    expect(find()?.closed).toContain('left alone');
    wait(15_000);
    expect(find()).toMatchObject({ closed: undefined, trial: true });
    const trial = start();
    wait(100);
    book.ended(trial, { kind: 'answered', task, receivedAt: undefined });
    expect(find()).toMatchObject({ closed: undefined, trial: false, failures: 0 });
  });

  it('leaves a silent node alone at once', () => {
    const { book, start, find } = openBook();
    book.register(status());
    book.ended(start(), { kind: 'silent' });
    expect(find()?.closed).toContain('left alone');
  });

  it('lets a node that said no rest for a moment, without blame', () => {
    const { book, start, wait, find } = openBook();
    book.register(status());
    book.ended(start(), { kind: 'declined' });
    expect(find()).toMatchObject({ closed: 'it takes no more work just now', failures: 0 });
    wait(2_000);
    expect(find()?.closed).toBeUndefined();
  });

  it('learns from a task that was taken away that its node is slow', () => {
    const { book, start, wait, find } = openBook();
    book.register(status());
    const attempt = start();
    wait(10_000);
    book.ended(attempt, { kind: 'stopped' });
    expect(find()?.speeds['ocr.recognize']).toBeCloseTo(0.01);
  });

  it('remembers a liar that left and came back', () => {
    const { book, find } = openBook();
    book.register(status());
    book.vouch(ben);
    book.blame(ben);
    book.remove(ben);
    book.register(status());
    expect(find()).toMatchObject({ verified: 0, closed: expect.stringContaining('left alone') });
    expect(book.work(ben)).toMatchObject({ wrong: 1, breaker: 'open' });
  });
});
