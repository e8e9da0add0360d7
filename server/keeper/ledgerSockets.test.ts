import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ledgerLimits } from '../../src/ledger/protocol.ts';
import type { BlockId, NetId } from '../../src/ledger/types.ts';
import {
  type Committee,
  createRealPerson,
  openClient,
  openingOf,
  startCommittee,
  type TestClient,
  transferOf,
} from './testDoubles.ts';

const anna = createRealPerson('anna');
const ben = createRealPerson('ben');
const waitFor = { timeout: 8_000, interval: 10 };

let committee: Committee;
let client: TestClient;
const open = async (messagesPerSecond = 1_000) => {
  committee = await startCommittee(1, { rich: [anna], options: { messagesPerSecond } });
  client = await openClient(committee.urlOf(0));
};
beforeEach(() => open());
afterEach(async () => {
  client.close();
  await committee.close();
});

const refusals = () => client.of('refused').map(({ reason }) => reason);
const state = () => {
  const [keeper] = committee.keepers;
  if (!keeper) throw new Error('no keeper');
  return keeper.service.driver.ledger();
};
const settled = async (operation: { id: string }) => {
  await expect
    .poll(
      () => client.of('submitted').find(({ id, state: is }) => id === operation.id && is !== 'pending'),
      waitFor,
    )
    .toBeDefined();
  return client.of('submitted').find(({ id, state: is }) => id === operation.id && is !== 'pending');
};

describe('the ledger socket', { timeout: 30_000 }, () => {
  it('tells where the ledger stands, and every block from there on', async () => {
    client.say({ t: 'hello', v: 1, net: committee.net, height: 0 });
    client.submit(openingOf(state(), anna));
    await expect.poll(() => client.of('block').length, waitFor).toBe(1);
    expect(client.of('status')[0]).toMatchObject({ height: 0, epoch: 0, net: committee.net });
    const late = await openClient(committee.urlOf(0), { net: committee.net, height: 0 });
    await expect.poll(() => late.of('block'), waitFor).toEqual(client.of('block'));
    late.close();
  });

  it('gives the blocks that are asked for, as many as there are', async () => {
    const opening = openingOf(state(), anna);
    client.submit(opening);
    await settled(opening);
    client.say({ t: 'get', after: 0, count: 10 });
    client.say({ t: 'get', after: 7, count: 10 });
    await expect.poll(() => client.of('blocks').length, waitFor).toBe(2);
    expect(client.of('blocks').map(({ blocks, height }) => [blocks.length, height])).toEqual([
      [1, 1],
      [0, 1],
    ]);
  });

  it('says why an operation can not be ordered', async () => {
    const opening = openingOf(state(), anna);
    client.submit(opening);
    await settled(opening);
    const tooMuch = transferOf(state(), anna, ben, 1_000_000_000_000);
    client.submit(tooMuch);
    expect((await settled(tooMuch))?.reason).toMatch(/needs .* VC/);
    const forged = { ...transferOf(state(), anna, ben, 5), signature: new Uint8Array(64) };
    client.submit(forged);
    expect((await settled(forged))?.reason).toMatch(/signature does not hold/);
    const unknown = transferOf(state(), ben, anna, 5);
    client.submit(unknown);
    expect((await settled(unknown))?.state).toBe('refused');
  });

  it('says nothing older of an operation after what became of it', async () => {
    const opening = openingOf(state(), anna);
    client.submit(opening);
    await settled(opening);
    const tooMuch = transferOf(state(), anna, ben, 1_000_000_000_000);
    client.submit(tooMuch);
    await settled(tooMuch);
    client.say({ t: 'get', after: 0, count: 1 });
    await expect.poll(() => client.of('blocks').length, waitFor).toBe(1);
    const told = client.of('submitted').filter(({ id }) => id === tooMuch.id);
    expect(told.map(({ state: is }) => is)).toEqual(['refused']);
  });

  it('keeps nothing of who left before an operation came to its end', async () => {
    const opening = openingOf(state(), anna);
    client.submit(opening);
    await settled(opening);
    const load = () => committee.keepers[0]?.service.hub.load();
    const early = transferOf(state(), anna, ben, 5, 9); // waits for its turn
    const other = await openClient(committee.urlOf(0));
    for (const one of [client, other]) {
      one.submit(early);
      await expect.poll(() => one.of('submitted').some(({ id }) => id === early.id), waitFor).toBe(true);
    }
    other.close();
    await expect.poll(load, waitFor).toEqual({ connections: 1, watched: 1 });
    client.close();
    await expect.poll(load, waitFor).toEqual({ connections: 0, watched: 0 });
  });

  it('refuses what is no message in words, and goes on with who stops', async () => {
    client.raw('text');
    client.raw(new Uint8Array([0xff, 0xff]));
    client.raw(new Uint8Array(ledgerLimits.maxMessageBytes + 1));
    client.say({ t: 'hello', v: 1, net: 'x'.repeat(43) as NetId, height: 0 });
    await expect.poll(refusals, waitFor).toHaveLength(4);
    expect(refusals()[2]).toMatch(/at most/);
    expect(refusals()[3]).toMatch(/serves the ledger/);
    client.say({ t: 'hello', v: 1, net: committee.net, height: 0 });
    await expect.poll(() => client.of('status').length, waitFor).toBe(1);
  });

  it('refuses votes that no keeper signed, and blocks that nobody certified', async () => {
    const signature = new Uint8Array(64);
    client.say({ t: 'agree', seat: 0, bytes: new Uint8Array(10), signature });
    client.say({ t: 'quorum', bytes: new Uint8Array(10), votes: [] });
    client.say({ t: 'certified', bytes: new Uint8Array(10) });
    client.say({ t: 'want', block: 'b'.repeat(43) as BlockId });
    await expect.poll(refusals, waitFor).toHaveLength(3);
  });

  it('closes a connection that goes on', async () => {
    for (let i = 0; i < 40; i++) client.raw('text');
    expect(await client.closed).toBe(1008);
    expect(refusals().length).toBeLessThanOrEqual(21);
  });

  it('closes one that sends more than twice the largest message', async () => {
    client.raw(new Uint8Array(2 * ledgerLimits.maxMessageBytes + 1));
    expect(await client.closed).toBe(1009);
  });

  it('slows down a flood, and then ends it', async () => {
    client.close();
    await committee.close();
    await open(5);
    for (let i = 0; i < 200; i++) client.say({ t: 'get', after: 0, count: 1 });
    expect(await client.closed).toBe(1008);
    expect(client.of('blocks').length).toBeLessThanOrEqual(60);
    expect(refusals()[0]).toMatch(/too many messages/);
  });

  it('lets no page of another origin in', async () => {
    const headers = { Origin: 'https://elsewhere.example' };
    await expect(openClient(committee.urlOf(0), undefined, headers)).rejects.toThrow('403');
  });
});
