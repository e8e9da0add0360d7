import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, equalBytes } from '../../core/bytes.ts';
import { type CborValue, encodeCbor } from '../../core/codec.ts';
import { unwrap } from '../../core/result.ts';
import { broadcastLimits } from './message.ts';
import { plumtreeDefaults } from './plumtreeTypes.ts';
import {
  type BroadcastMessage,
  broadcastWireLimits,
  decodeBroadcastMessage,
  encodeBroadcastMessage,
} from './wire.ts';

const id = `${'i'.repeat(21)}A`;
const ids = Array<string>(broadcastWireLimits.maxIds).fill(id);
const message = new Uint8Array(broadcastLimits.maxBytes).fill(7);

describe('a message about broadcasts', () => {
  it.each<BroadcastMessage>([
    { t: 'gossip', id, hops: broadcastWireLimits.maxHops, repair: true, message: new Uint8Array(3).fill(7) },
    { t: 'ihave', ids },
    { t: 'graft', id },
    { t: 'prune' },
    { t: 'summary', sum: 2 ** 32 - 1 },
    { t: 'holding', ids: [] },
    { t: 'pull', ids },
  ])('arrives as it was sent: $t', (sent) => {
    expect(decodeBroadcastMessage(encodeBroadcastMessage(sent))).toEqual({ ok: true, value: sent });
  });

  it('may be as long as a broadcast is', () => {
    const longest = { t: 'gossip', id, hops: broadcastWireLimits.maxHops, repair: false, message } as const;
    const arrived = unwrap(decodeBroadcastMessage(encodeBroadcastMessage(longest)));
    expect(arrived.t === 'gossip' && equalBytes(arrived.message, message)).toBe(true);
  });

  it.each<[string, CborValue]>([
    ['more ids than are kept', { t: 'ihave', ids: [...ids, id] }],
    ['more ids held than are kept', { t: 'holding', ids: [...ids, id] }],
    ['more ids pulled than are kept', { t: 'pull', ids: [...ids, id] }],
    ['an id too long', { t: 'graft', id: `${id}A` }],
    ['an id of other characters', { t: 'graft', id: '+'.repeat(22) }],
    ['an id that is written in a second way', { t: 'graft', id: 'i'.repeat(22) }],
    [
      'a message too long',
      { t: 'gossip', id, hops: 0, repair: false, message: new Uint8Array(40 * 1024 + 1) },
    ],
    ['too many hops', { t: 'gossip', id, hops: 256, repair: false, message: new Uint8Array(1) }],
    ['hops below none', { t: 'gossip', id, hops: -1, repair: false, message: new Uint8Array(1) }],
    ['a sum that is none', { t: 'summary', sum: 2 ** 32 }],
    ['a list in place of an id', { t: 'graft', id: [id] }],
    ['no kind that is known', { t: 'rumour' }],
    ['lists in lists', { t: 'ihave', ids: [[id]] }],
  ])('is refused with %s', (_name, value) => {
    expect(decodeBroadcastMessage(encodeCbor(value))).toMatchObject({ ok: false });
  });

  it('is refused if it is longer than the longest, or not the one way to write it', () => {
    const padded = { t: 'prune', padding: new Uint8Array(broadcastWireLimits.maxBytes) };
    expect(decodeBroadcastMessage(encodeCbor(padded))).toMatchObject({ ok: false, error: { code: 'cbor' } });
    const bytes = encodeBroadcastMessage({ t: 'summary', sum: 5 });
    expect(bytes.at(-1)).toBe(5);
    const longer = concatBytes(bytes.subarray(0, -1), Uint8Array.of(0x18, 5));
    expect(decodeBroadcastMessage(longer)).toMatchObject({ ok: false, error: { code: 'cbor' } });
  });

  it('never goes out with more hops than others accept', () => {
    const far = encodeBroadcastMessage({ t: 'gossip', id, hops: 256, repair: false, message });
    expect(decodeBroadcastMessage(far)).toMatchObject({ ok: true, value: { hops: 255 } });
  });

  it('has room for all that a step can name', () => {
    expect(broadcastWireLimits.maxIds).toBeGreaterThanOrEqual(plumtreeDefaults.kept);
  });

  it('of any bytes is a fault, never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (garbage) => {
        expect(decodeBroadcastMessage(garbage).ok).toBe(false);
      }),
    );
  });
});
