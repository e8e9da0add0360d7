import { afterEach, describe, expect, it, vi } from 'vitest';
import { createBrowserLocks } from './locks.ts';

const refuses = {
  request: () =>
    Promise.reject(new DOMException('request() is not allowed in this context', 'SecurityError')),
};

afterEach(() => vi.unstubAllGlobals());

describe.each([
  ['missing, as in WebKit’s Lockdown Mode', undefined],
  ['refused, as where the site’s data is blocked', refuses],
])('locks of a browser where the API is %s', (_name, locks) => {
  const create = () => {
    vi.stubGlobal('navigator', { locks });
    return createBrowserLocks();
  };

  it('are held by one at a time and passed on in order', async () => {
    const port = create();
    const order: string[] = [];
    const first = await port.acquire('a');
    expect(await port.tryAcquire('a')).toBeUndefined();
    const waiting = ['second', 'third'].map(async (who) => {
      const release = await port.acquire('a');
      order.push(who);
      release();
    });
    expect(await port.tryAcquire('b')).toBeDefined();
    expect(order).toEqual([]);
    first();
    first();
    await Promise.all(waiting);
    expect(order).toEqual(['second', 'third']);
    expect(await port.tryAcquire('a')).toBeDefined();
  });

  it('let go of who gives up waiting', async () => {
    const port = create();
    const release = await port.acquire('a');
    const abort = new AbortController();
    const given = port.acquire('a', abort.signal);
    const next = port.acquire('a');
    await Promise.resolve();
    abort.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    release();
    expect(await next).toBeDefined();
    await expect(port.acquire('a', AbortSignal.abort(new Error('late')))).rejects.toThrow('late');
  });
});

it('leaves other failures to whoever asked', async () => {
  vi.stubGlobal('navigator', {
    locks: { request: () => Promise.reject(new DOMException('not active', 'InvalidStateError')) },
  });
  await expect(createBrowserLocks().tryAcquire('a')).rejects.toThrow('not active');
  await expect(createBrowserLocks().acquire('a')).rejects.toThrow('not active');
});
