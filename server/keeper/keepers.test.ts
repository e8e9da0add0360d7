import { afterEach, describe, expect, it } from 'vitest';
import { unwrap } from '../../src/core/result.ts';
import { readCertifiedBlock } from '../../src/ledger/block.ts';
import { checkCertificate } from '../../src/ledger/certificate.ts';
import { treeFromChunks, treeRoot } from '../../src/ledger/table/index.ts';
import { createNodeCrypto } from '../../src/platform/node/index.ts';
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
const waitFor = { timeout: 25_000, interval: 10 };
const crypto = createNodeCrypto();

let committee: Committee;
const clients: TestClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await committee.close();
});

const connect = async (seat = 0, height = 0) => {
  const client = await openClient(committee.urlOf(seat), { net: committee.net, height });
  clients.push(client);
  return client;
};
const ledger = (seat = 0) => {
  const keeper = committee.keepers[seat];
  if (!keeper) throw new Error(`keeper ${seat} does not run`);
  return keeper.service.driver.ledger();
};
const outcomes = (client: TestClient, id: string) =>
  client
    .of('submitted')
    .filter((message) => message.id === id)
    .map(({ state }) => state);
const balance = (person: typeof anna, seat = 0) => ledger(seat).accounts.get(person.id)?.balance;

const openAnna = async (client: TestClient) => {
  const opening = openingOf(ledger(), anna);
  client.submit(opening);
  await expect.poll(() => outcomes(client, opening.id), waitFor).toEqual(['pending', 'final']);
};

const transfer = async (client: TestClient, amount: number, seat = 0) => {
  const operation = transferOf(ledger(seat), anna, ben, amount);
  client.submit(operation);
  await expect.poll(() => outcomes(client, operation.id), waitFor).toContain('final');
  return operation;
};

describe.each([1, 4])('a committee of %i over real sockets', { timeout: 30_000 }, (size) => {
  it('makes a transfer final, with a certificate that anybody can check', async () => {
    committee = await startCommittee(size, { rich: [anna] });
    const client = await connect();
    await openAnna(client);
    const { id } = await transfer(client, 5_000_000);
    expect(outcomes(client, id)).toEqual(['pending', 'final']);
    expect(balance(ben)).toBe(5_000_000);
    await expect.poll(() => client.of('block').length, waitFor).toBe(2);
    const pushed = client.of('block').map(({ bytes }) => unwrap(readCertifiedBlock(bytes)));
    expect(pushed.map(({ block }) => block.header.height)).toEqual([1, 2]);
    for (const certified of pushed)
      expect(await checkCertificate(certified, committee.genesis.keepers, crypto)).toMatchObject({
        ok: true,
      });
  });

  it('goes on after all its keepers were stopped, from what they stored', async () => {
    committee = await startCommittee(size, { rich: [anna] });
    await openAnna(await connect());
    const seats = committee.keepers.map((_, seat) => seat);
    await Promise.all(seats.map(committee.stop));
    await Promise.all(seats.map((seat) => committee.start(seat)));
    expect(ledger().position.height).toBe(1);
    const client = await connect();
    const { id } = await transfer(client, 7);
    expect(balance(ben)).toBe(7);
    // Sent again, because the answer may have been lost: it is final once.
    client.submit({ ...transferOf(ledger(), anna, ben, 7, 2), id });
    await expect.poll(() => outcomes(client, id).at(-1), waitFor).toBe('final');
    expect(balance(ben)).toBe(7);
  });

  it('ends its epochs, reveals its randomness in each, and serves the state after the last', async () => {
    committee = await startCommittee(size, { epochSeconds: 1 });
    const client = await connect();
    // Its reveals begin with the account that carries them, so the first is in epoch 0 or 1.
    await expect.poll(() => ledger().epoch, waitFor).toBeGreaterThanOrEqual(3);
    const [before, now] = [committee.genesis.keepers[0], ledger().keepers[0]];
    expect(now?.beacon).not.toEqual(before?.beacon);
    // It is written after the block is final: whoever is refused asks again.
    const ask = () => {
      client.say({ t: 'snapshot', part: 0 });
      return client.of('snapshot').length;
    };
    await expect.poll(ask, { ...waitFor, interval: 200 }).toBeGreaterThan(0);
    const [part] = client.of('snapshot');
    const { block } = unwrap(readCertifiedBlock(part?.block ?? new Uint8Array()));
    expect(block.header.kind === 'epoch' && block.header.stateRoot).toEqual(
      treeRoot(unwrap(treeFromChunks([part?.bytes ?? new Uint8Array()]))),
    );
  });
});

describe('a committee of four', { timeout: 30_000 }, () => {
  it('goes on without one of them, which catches up when it is back', async () => {
    committee = await startCommittee(4, { rich: [anna] });
    await openAnna(await connect(1));
    await committee.stop(0); // the leader
    const client = await connect(1);
    await transfer(client, 11, 1);
    await transfer(client, 13, 1);
    await committee.start(0);
    await expect.poll(() => ledger(0).position.height, waitFor).toBe(3);
    expect(balance(ben, 0)).toBe(24);
  });

  it('orders nothing with two of them away, and goes on when one is back', async () => {
    committee = await startCommittee(4, { rich: [anna] });
    await openAnna(await connect(2));
    await Promise.all([committee.stop(0), committee.stop(1)]);
    const client = await connect(2);
    const operation = transferOf(ledger(2), anna, ben, 5);
    client.submit(operation);
    await expect.poll(() => outcomes(client, operation.id), waitFor).toEqual(['pending']);
    await committee.start(0);
    await expect
      .poll(() => outcomes(client, operation.id), { ...waitFor, timeout: 20_000 })
      .toEqual(['pending', 'final']);
  });
});
