import { describe, expect, it } from 'vitest';
import { unwrap } from '../../src/core/result.ts';
import { createNodeRandom } from '../../src/platform/node/index.ts';
import { lockKey } from './keyLock.ts';

describe('a key', () => {
  it('runs once on a machine, and again when it was let go', async () => {
    const random = createNodeRandom();
    const [key, other] = [random.bytes(32), random.bytes(32)];
    const held = unwrap(await lockKey(key, 'Ana'));
    expect(await lockKey(key, 'Ana')).toMatchObject({
      error: { code: 'key-runs', message: expect.stringContaining('Ana runs in another process') },
    });
    const beside = unwrap(await lockKey(other, 'Ben'));
    await held.release();
    const again = unwrap(await lockKey(key, 'Ana'));
    await Promise.all([again.release(), beside.release()]);
  });
});
