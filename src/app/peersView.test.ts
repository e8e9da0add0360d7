import { describe, expect, it } from 'vitest';
import { milliseconds, type PeerId } from '../core/brand.ts';
import type { NodeStatus } from '../inference/contracts.ts';
import { createManualTime } from '../mesh/testDoubles.ts';
import { createPeersView } from './peersView.ts';

const ben = 'ben' as PeerId;
const cem = 'cem' as PeerId;
const dora = 'dora' as PeerId;
const statusOf = (peer: PeerId) =>
  ({ peer, account: peer, device: peer, name: peer }) as unknown as NodeStatus;

const create = () => {
  const time = createManualTime();
  const told = new Map<PeerId, readonly { readonly peer: PeerId; readonly rtt: number }[]>();
  const links = new Map<PeerId, number>();
  const view = createPeersView({
    ...time,
    self: statusOf('ana' as PeerId),
    link: (peer) => {
      const rtt = links.get(peer);
      if (rtt === undefined) return undefined;
      const none = 0 as never;
      return { neighbor: true, way: 'direct', rtt: milliseconds(rtt), bytesSent: none, bytesReceived: none };
    },
    recordOf: (peer) => {
      const neighbors = told.get(peer);
      return neighbors && { neighbors };
    },
    peerWork: () => ({ workingForUs: 0, workingForIt: 0, tasksDone: 0, wrong: 0, breaker: 'closed' }),
  });
  const seen = () => view.peers.get().find(({ status }) => status.peer === ben);
  const second = async () => {
    await time.advance(1_000);
    view.refresh();
  };
  let drawn = 0;
  view.peers.subscribe(() => drawn++);
  return { time, view, told, links, seen, second, drawn: () => drawn };
};

const hearBen = async ({ view, time }: ReturnType<typeof create>) => {
  view.heardRoster({ kind: 'heard', status: statusOf(ben) });
  await time.advance(100);
};

describe('the list of peers', () => {
  it('is the same list while nothing happens, for a peer without a record too', async () => {
    const town = create();
    await hearBen(town);
    const drawn = town.drawn();
    for (let i = 0; i < 30; i++) await town.second();
    expect(town.drawn()).toBe(drawn);
  });

  it('shows new round trips with the next sample, and not with each', async () => {
    const town = create();
    town.links.set(ben, 20);
    town.told.set(ben, [{ peer: cem, rtt: 10 }]);
    await hearBen(town);
    const drawn = town.drawn();
    for (let i = 1; i <= 30; i++) {
      town.links.set(ben, 20 + i);
      town.told.set(ben, [{ peer: cem, rtt: 10 + i }]);
      await town.second();
    }
    expect(town.drawn() - drawn).toBe(3);
    expect(town.seen()?.rtt).toBeGreaterThan(40);
    expect(town.seen()?.neighbors[0]?.rtt).toBeGreaterThan(30);
  });

  it('shows at once who is linked with whom in a small room', async () => {
    const town = create();
    town.told.set(ben, [{ peer: cem, rtt: 10 }]);
    await hearBen(town);
    town.told.set(ben, [{ peer: dora, rtt: 10 }]);
    await hearBen(town);
    expect(town.seen()?.neighbors).toEqual([{ peer: dora, rtt: 10 }]);
  });

  it('shows it with the next sample in a large one', async () => {
    const town = create();
    for (let i = 0; i < 20; i++)
      town.view.heardRoster({ kind: 'heard', status: statusOf(`p${i}` as PeerId) });
    town.told.set(ben, [{ peer: cem, rtt: 10 }]);
    await hearBen(town);
    const drawn = town.drawn();
    town.told.set(ben, [{ peer: dora, rtt: 10 }]);
    for (let i = 0; i < 8; i++) await town.second();
    expect(town.drawn()).toBe(drawn);
    for (let i = 0; i < 4; i++) await town.second();
    expect(town.seen()?.neighbors).toEqual([{ peer: dora, rtt: 10 }]);
  });

  it('forgets who has left', async () => {
    const town = create();
    await hearBen(town);
    town.view.heardRoster({ kind: 'gone', peer: ben, reason: 'it left' });
    await town.time.advance(100);
    expect(town.seen()).toBeUndefined();
  });
});
