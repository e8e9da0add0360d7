import { describe, expect, it } from 'vitest';
import type { LedgerWorkerApi } from '../../../workers/protocol.ts';
import type { PeerId } from '../../core/brand.ts';
import { createEmitter } from '../../core/events.ts';
import { err, fault } from '../../core/result.ts';
import type { Comparison } from '../../ledger/replica/heads.ts';
import type { SourceStatus } from '../../ledger/replica/source.ts';
import type { BlockId, NetId } from '../../ledger/types.ts';
import type { OverlayChange } from '../../mesh/contracts.ts';
import { createMeshLedger, type MeshLedgerDeps } from './meshLedger.ts';

const net = 'n'.repeat(43) as NetId;
const idOf = (text: string) => text.repeat(43).slice(0, 43) as BlockId;
const [ana, ben] = ['ana', 'ben'] as PeerId[] as [PeerId, PeerId];
const settle = async () => {
  for (let i = 0; i < 50; i++) await Promise.resolve();
};

/** A replica that has blocks up to a height and says what it is told to say. */
const createWorker = (height: number, says: { compared?: Comparison; proof?: boolean } = {}) => {
  const told: (SourceStatus | undefined)[] = [];
  const accused: Uint8Array[] = [];
  const worker: Pick<LedgerWorkerApi, 'heads' | 'compare' | 'accuse' | 'blocks' | 'snapshot' | 'peersHave'> =
    {
      heads: async () => ({ height, head: idOf('h'), epoch: { height: 0, head: idOf('e') } }),
      compare: async () => says.compared ?? { kind: 'agree' },
      accuse: async (block) => {
        accused.push(block);
        return says.proof ?? false;
      },
      blocks: async (after, count) =>
        Array.from({ length: Math.max(0, Math.min(count, height - after)) }, (_, at) =>
          Uint8Array.of(after + 1 + at),
        ),
      snapshot: async () => undefined,
      peersHave: async (status) => void told.push(status),
    };
  return { worker: worker as LedgerWorkerApi, told, accused };
};

type Handlers = Map<string, (input: unknown, context: { from: PeerId }) => Promise<unknown>>;
/** Two tabs that are linked. */
const createPair = () => {
  const handlers = new Map<PeerId, Handlers>([
    [ana, new Map()],
    [ben, new Map()],
  ]);
  const expelled: string[] = [];
  const open = (self: PeerId, other: PeerId, swarm = net) => {
    const rpc = {
      call: async (to: PeerId, method: { name: string }, input: unknown) =>
        handlers.get(to)?.get(method.name)?.(input, { from: self }) ?? err(fault('peer-lost', 'nobody')),
      handle: (method: { name: string }, handler: never) => {
        handlers.get(self)?.set(method.name, handler);
        return () => handlers.get(self)?.delete(method.name);
      },
    } as unknown as MeshLedgerDeps['rpc'];
    return createMeshLedger(
      {
        rpc,
        overlay: {
          peers: () => [{ peer: other }] as unknown as ReturnType<MeshLedgerDeps['overlay']['peers']>,
          changes: createEmitter<OverlayChange>().subscribe,
          expel: (peer) => void expelled.push(peer),
        },
        timers: { every: () => () => {} },
        random: { next: () => 0 },
      },
      swarm,
    );
  };
  return { open, expelled };
};

describe('tabs that compare their ledgers', () => {
  it('take blocks from one that has more', async () => {
    const { open, expelled } = createPair();
    const [one, other] = [open(ana, ben), open(ben, ana)];
    const behind = createWorker(2);
    other.join(createWorker(5).worker);
    one.join(behind.worker);
    await settle();
    expect(behind.told.at(-1)).toEqual({ height: 5, earliest: 1 });
    expect(await one.peers.blocks(2, 10)).toEqual({
      ok: true,
      value: { from: ben, frames: [3, 4, 5].map((at) => Uint8Array.of(at)) },
    });
    expect(await one.peers.blocks(5, 10)).toMatchObject({ error: { code: 'away' } });
    expect(await one.peers.snapshot(0)).toMatchObject({ error: { code: 'away' } });
    one.peers.blame(ben, 'it sent what does not hold');
    expect(expelled).toEqual([ben]);
    expect(behind.told.at(-1)).toBeUndefined();
    one.close();
    other.close();
  });

  it.each([
    [true, []],
    [false, [ben]],
  ])(
    'ask for a block that contradicts theirs; certified %s, its teller is expelled: %s',
    async (proof, gone) => {
      const { open, expelled } = createPair();
      const [one, other] = [open(ana, ben), open(ben, ana)];
      const mine = createWorker(5, { compared: { kind: 'contradiction', height: 4 }, proof });
      other.join(createWorker(5).worker);
      one.join(mine.worker);
      await settle();
      expect(mine.accused[0]).toEqual(Uint8Array.of(4));
      expect([...new Set(expelled)]).toEqual(gone);
    },
  );

  it('have nothing to say to a tab of another swarm', async () => {
    const { open } = createPair();
    const [one, other] = [open(ana, ben), open(ben, ana, 'x'.repeat(43) as NetId)];
    const mine = createWorker(5);
    other.join(createWorker(9).worker);
    one.join(mine.worker);
    await settle();
    expect(mine.told.every((status) => status === undefined)).toBe(true);
  });
});
