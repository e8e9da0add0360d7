import { afterEach, describe, expect, it } from 'vitest';
import { unwrap } from '../../src/core/result.ts';
import { readCertifiedBlock } from '../../src/ledger/block.ts';
import { checkCertificate } from '../../src/ledger/certificate.ts';
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
const waitFor = { timeout: 8_000, interval: 10 };
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

describe.each([1, 4])('a committee of %i over real sockets', (size) => {
  it('makes a transfer final, with a certificate that anybody can check', async () => {
    committee = await startCommittee(size, { rich: [anna] });
    const client = await connect();
    await openAnna(client);
    const transfer = transferOf(ledger(), anna, ben, 5_000_000);
    client.submit(transfer);
    await expect.poll(() => outcomes(client, transfer.id), waitFor).toEqual(['pending', 'final']);
    expect(balance(ben)).toBe(5_000_000);
    const pushed = client.of('block').map(({ bytes }) => unwrap(readCertifiedBlock(bytes)));
    expect(pushed.map(({ block }) => block.header.height)).toEqual([1, 2]);
    for (const certified of pushed)
      expect(await checkCertificate(certified, committee.genesis.keepers, crypto)).toMatchObject({
        ok: true,
      });
  });
});
