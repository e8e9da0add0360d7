import { describe, expect, it } from 'vitest';
import { createStore } from '../../core/events.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import { createPerson, type Person } from '../../ledger/testDoubles.ts';
import type { Holder } from '../../ledger/wallet/outbox.ts';
import { createManualTime, createTestRandom } from '../../mesh/testDoubles.ts';
import { createMemoryStore } from '../../storage/memory.ts';
import type { OpenPublicWorkView } from '../publicWorkView.ts';
import { openPublicWork } from './openPublicWork.ts';
import {
  createEngineDouble,
  createHost,
  createLedgerWorld,
  createLocksDouble,
  realWorkDone,
} from './testDoubles.ts';

const texts = ['First letter\ndear all', 'First letter\ndear all', 'Second letter', 'Third letter'];

const open = async (
  given: { readonly texts?: readonly string[]; readonly as?: (host: Person) => Person } = {},
) => {
  const world = createLedgerWorld();
  const host = createHost(given.texts ?? texts);
  const time = createManualTime();
  const engine = createEngineDouble();
  const holder = createStore<Holder | undefined>('here');
  const work = openPublicWork({
    ledger: world.accessOf(given.as?.(world.host) ?? world.host),
    holder,
    engine,
    source: host.source,
    store: { ...createMemoryStore(), durable: true },
    locks: createLocksDouble(),
    clock: time.clock,
    timers: time.timers,
    random: createTestRandom(3),
    telemetry: silentTelemetry,
    forbidden: () => undefined,
    busy: () => undefined,
  });
  await time.advance(1_100);
  const view = (): OpenPublicWorkView => {
    const shown = work.view.get();
    if (shown.phase !== 'open') throw new Error(shown.phase);
    return shown;
  };
  const propose = async (title = 'Old letters') => {
    const [offered] = view().offered;
    const done = work.commands.proposeListing({ title, pages: offered?.id ?? '' });
    for (let i = 0; i < 20; i++) {
      await realWorkDone();
      await time.advance(10);
    }
    return done;
  };
  return { world, host, time, engine, holder, work, view, propose };
};

describe('a list of pages', () => {
  it('is offered, proposed with two pages that differ, and listed at the end of the epoch', async () => {
    const { world, view, propose, engine } = await open();
    expect(view()).toMatchObject({
      listings: [],
      offered: [{ name: 'pages', pages: 4, state: 'unlisted' }],
      listing: { phase: 'idle', refusal: undefined, deposit: 0 },
    });
    expect(await propose()).toEqual({ ok: true, value: undefined });
    expect(engine.pages).toEqual(texts.slice(0, 3)); // the second says what the first does
    expect(view().offered).toMatchObject([{ state: 'proposed' }]);
    world.endEpoch();
    expect(view().offered).toEqual([]);
    expect(view().listings).toMatchObject([
      { title: 'Old letters', units: 4, accepted: 0, obstacle: undefined, closed: false },
    ]);
    const [[, listing] = []] = world.ledger.state.mint.listings.entries();
    // Three pages of 640 × 640 found, five lines of 640 × 48 read: ⌈(3 · 231 + 282 + 282 + 141) / 3⌉
    expect(listing).toMatchObject({ cost: 466, class: 'ocr', match: { kind: 'hash' } });
  });

  it('is not proposed if the first pages all say the same', async () => {
    const { propose, world, view } = await open({ texts: ['same', 'same ', ' same'] });
    expect(await propose()).toMatchObject({
      ok: false,
      error: expect.stringContaining('have the same text'),
    });
    expect(world.submitted).toEqual([]);
    expect(view().listing.phase).toBe('idle');
  });

  it('is the host’s to propose while the host governs', async () => {
    const { propose, view } = await open({ as: () => createPerson('ana') });
    expect(view().listing).toMatchObject({ refusal: expect.stringContaining('The host decides') });
    expect(await propose()).toMatchObject({ ok: false, error: expect.stringContaining('the host governs') });
  });

  it('is not proposed any more once that was stopped', async () => {
    const { work, view, engine, world, time } = await open();
    engine.hang = true;
    const done = work.commands.proposeListing({ title: 'x', pages: view().offered[0]?.id ?? '' });
    await realWorkDone();
    await time.advance(10);
    expect(view().listing).toMatchObject({
      phase: 'running',
      doing: expect.stringContaining('Reading page 1'),
    });
    work.commands.cancelListing();
    expect(await done).toEqual({ ok: false, error: 'Stopped.' });
    expect(world.submitted).toEqual([]);
  });

  it('needs a title, and to be still there', async () => {
    const { work, propose } = await open();
    expect(await propose('  ')).toMatchObject({ ok: false, error: expect.stringContaining('title') });
    expect(await work.commands.proposeListing({ title: 'x', pages: 'gone' })).toMatchObject({ ok: false });
  });
});

describe('the view', () => {
  it('shows the worker, from the switch to what it asked for', async () => {
    const { work, view, propose, world, time } = await open();
    await propose();
    world.endEpoch();
    expect(view().worker).toMatchObject({ wanted: false, phase: 'off', asked: 0 });
    await work.commands.setPublicWork(true);
    await time.advance(4_100);
    expect(view().worker).toMatchObject({ wanted: true, phase: 'waiting', asked: 1, obstacle: undefined });
    expect(view().earnings).toMatchObject({ streak: 0, veteranStreak: 10, accepted: 0, next: undefined });
    work.close();
  });

  it('says where the wallet is, and leaves nothing running once closed', async () => {
    const { work, holder, view, time } = await open();
    holder.set('elsewhere');
    await time.advance(3_000);
    expect(view().worker.obstacle).toContain('another device signs');
    expect(view().listing).toMatchObject({ refusal: expect.stringContaining('Another device') });
    work.close();
    await time.advance(100_000);
    expect(time.pending()).toBe(0);
  });
});
