import { describe, expect, it } from 'vitest';
import type { PeerId } from '../../core/brand.ts';
import { createManualTime } from '../testDoubles.ts';
import { createWays } from './ways.ts';

const ben = 'b'.repeat(43) as PeerId;

const create = (options: { direct?: boolean; carries?: number; patience?: number } = {}) => {
  const time = createManualTime();
  const ways = createWays({
    clock: time.clock,
    health: { patience: () => options.patience ?? 1 },
    direct: options.direct ?? true,
  });
  ways.serverCarries(options.carries ?? 1_000);
  return { ways, time };
};

describe('the way to a peer', () => {
  it('is direct at first', () => {
    expect(create().ways.to(ben)).toBe('direct');
  });

  it('goes through the server once no direct one was found to a peer that is there', () => {
    const { ways } = create();
    expect(ways.failed(ben, 'direct', true)).toBe(true);
    expect(ways.to(ben)).toBe('carried');
  });

  it('is not carried to a peer that never answered: it is likely gone', () => {
    const { ways } = create();
    expect(ways.failed(ben, 'direct', false)).toBe(false);
    expect(ways.to(ben)).toBe('direct');
  });

  it('is tried directly again after ten minutes, after a carried link failed, and on another network', () => {
    const { ways, time } = create();
    ways.failed(ben, 'direct', true);
    time.sleep(10 * 60_000);
    expect(ways.to(ben)).toBe('direct');
    ways.failed(ben, 'direct', true);
    expect(ways.failed(ben, 'carried', true)).toBe(false);
    expect(ways.to(ben)).toBe('direct');
    ways.failed(ben, 'direct', true);
    ways.forget();
    expect(ways.to(ben)).toBe('direct');
  });

  it('is always carried where there is no WebRTC, and never by a server that carries nothing', () => {
    expect(create({ direct: false }).ways.to(ben)).toBe('carried');
    const { ways } = create({ carries: 0 });
    expect(ways.failed(ben, 'direct', true)).toBe(false);
    expect(ways.to(ben)).toBe('direct');
    expect(ways.canCarry).toBe(false);
  });
});

describe('a network that lets nothing out', () => {
  it('leaves the server for everybody, until it is another network', () => {
    const { ways } = create();
    expect(ways.walled()).toBe(true);
    expect(ways.to(ben)).toBe('carried');
    expect(ways.to('c'.repeat(43) as PeerId)).toBe('carried');
    ways.forget();
    expect(ways.to(ben)).toBe('direct');
  });

  it('is none once somebody has come in', () => {
    const { ways } = create();
    ways.walled();
    ways.opened('carried');
    expect(ways.to(ben)).toBe('carried');
    ways.opened('direct');
    expect(ways.to(ben)).toBe('direct');
  });

  it('leaves nothing where the server carries nothing', () => {
    const { ways } = create({ carries: 0 });
    expect(ways.walled()).toBe(false);
    expect(ways.to(ben)).toBe('direct');
  });
});

describe('patience', () => {
  const fail = (ways: ReturnType<typeof create>['ways'], times: number) => {
    for (let i = 0; i < times; i++) ways.failed(`${i}`.repeat(43) as PeerId, 'direct', true);
  };

  it('is shorter behind a wall, until something direct opens', () => {
    const { ways } = create();
    expect(ways.patience('direct')).toBe(15_000);
    fail(ways, 3);
    expect(ways.patience('direct')).toBe(4_000);
    ways.opened('carried');
    expect(ways.patience('direct')).toBe(4_000);
    ways.opened('direct');
    expect(ways.patience('direct')).toBe(15_000);
  });

  it('is not shorter for a tab that is late itself, nor without a last resort', () => {
    const slow = create({ patience: 6 }).ways;
    fail(slow, 3);
    expect(slow.patience('direct')).toBe(15_000);
    const alone = create({ carries: 0 }).ways;
    fail(alone, 3);
    expect(alone.patience('direct')).toBe(15_000);
  });
});
