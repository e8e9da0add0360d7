import { describe, expect, it } from 'vitest';
import { hasSeen, nothingSeen, withSeen } from './seen.ts';

describe('what was seen', () => {
  it('remembers the last ones and forgets whole pieces, oldest first', () => {
    let seen = nothingSeen<number>();
    for (let i = 0; i < 1_000; i++) seen = withSeen(seen, i, 4);
    expect(hasSeen(seen, 999)).toBe(true);
    expect(hasSeen(seen, 800)).toBe(true);
    expect(hasSeen(seen, 600)).toBe(false);
    expect(seen.pieces).toHaveLength(4);
  });
});
