import { describe, expect, it } from 'vitest';
import { createPageCache } from './pageCache.ts';

describe('the page cache', () => {
  it('drops what was unused for longest when its bytes run out', () => {
    const cache = createPageCache<string>({ maxBytes: 100 });
    cache.set('a', 'A', 40);
    cache.set('b', 'B', 40);
    cache.get('a');
    cache.set('c', 'C', 40);
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual(['A', undefined, 'C']);
  });

  it('keeps the newest page even if it alone is too large', () => {
    const cache = createPageCache<string>({ maxBytes: 100 });
    cache.set('a', 'A', 40);
    cache.set('huge', 'H', 500);
    expect([cache.get('a'), cache.get('huge')]).toEqual([undefined, 'H']);
    cache.set('b', 'B', 40);
    expect([cache.get('huge'), cache.get('b')]).toEqual([undefined, 'B']);
  });

  it('counts a replaced page once', () => {
    const cache = createPageCache<string>({ maxBytes: 100 });
    for (let turn = 0; turn < 10; turn++) cache.set('a', `A${turn}`, 60);
    cache.set('b', 'B', 40);
    expect([cache.get('a'), cache.get('b')]).toEqual(['A9', 'B']);
    cache.clear();
    expect(cache.get('a')).toBeUndefined();
  });
});
