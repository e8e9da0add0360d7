import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { equalBytes } from '../../src/core/bytes.ts';
import { unwrap } from '../../src/core/result.ts';
import { mergeCandidates, parseCandidates, proposalOfCandidate } from '../../src/ledger/candidate.ts';
import { fromGenesis } from '../../src/ledger/replica/openStored.ts';
import { createReplica } from '../../src/ledger/replica/replica.ts';
import { readFrames } from '../../src/ledger/replica/stage.ts';
import { operationOf } from '../../src/ledger/testDoubles.ts';
import type { ReadOperation } from '../../src/ledger/types.ts';
import { createNodeCrypto } from '../../src/platform/node/index.ts';
import { fetchLedger, planReplacement, planThreeMore, readCandidate, writeCandidate } from './joining.ts';
import { keysOf, publicPartOf } from './keyFile.ts';
import {
  type Committee,
  createRealPerson,
  openClient,
  openingOf,
  startCommittee,
  type TestClient,
  testKeeperFile,
  transferOf,
} from './testDoubles.ts';

const host = createRealPerson('host');
const ben = createRealPerson('ben');
const waitFor = { timeout: 25_000, interval: 20 };

let committee: Committee;
const clients: TestClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await committee.close();
});

const connect = async (seat: number) => {
  const client = await openClient(committee.urlOf(seat), { net: committee.net, height: 0 });
  clients.push(client);
  return client;
};
const ledger = (seat: number) => {
  const keeper = committee.keepers[seat];
  if (!keeper) throw new Error(`keeper ${seat} does not run`);
  return keeper.service.driver.ledger();
};
const addressOf = (seat: number) => committee.urlOf(seat).replace('ws:', 'http:').replace('/ledger', '');
const isKeeper = (seat: number, key: Uint8Array) =>
  ledger(seat).keepers.some((keeper) => equalBytes(keeper.key, key));
/** An epoch lasts a second here, and a busy machine may need longer: what came too late is signed and sent again. */
const order = async (client: TestClient, make: () => ReadOperation) => {
  let operation = make();
  client.submit(operation);
  await expect
    .poll(() => {
      const said = client.of('submitted').filter((message) => message.id === operation.id);
      if (said.some(({ state }) => state === 'refused')) {
        operation = make();
        client.submit(operation);
      }
      return said.some(({ state }) => state === 'final');
    }, waitFor)
    .toBe(true);
};
/** What a tab does that follows: every certificate by the keepers of its height, and all rules. */
const follow = async (client: TestClient) => {
  const replica = createReplica(fromGenesis(committee.genesis), { crypto: createNodeCrypto() });
  const taken = await replica.take(unwrap(readFrames(client.of('block').map(({ bytes }) => bytes))));
  return taken.ok ? replica.state : taken.error.message;
};

const candidateAt = async (seat: number) =>
  unwrap(parseCandidates(await (await fetch(`${addressOf(seat)}/ledger/candidate`)).text()));

describe('a key that is to follow another', { timeout: 120_000 }, () => {
  it('takes its seat by one proposal: the ledger goes on with it, and replicas follow', async () => {
    committee = await startCommittee(4, { rich: [host], epochSeconds: 1 });
    const [old] = committee.files;
    if (!old) throw new Error('no keeper');
    const tab = await connect(1);
    await order(tab, () => openingOf(ledger(1), host));

    // rotate: a new key, and the text by which it asks for the seat.
    const next = { ...testKeeperFile('keeper 0, again', old.url), name: old.name };
    const known = unwrap(await fetchLedger(addressOf(2)));
    const plan = unwrap(planReplacement(known, publicPartOf(next), keysOf(old).signer.publicKey, undefined));
    const path = join(committee.folder, 'new.candidate.json');
    await writeCandidate(path, known, keysOf(next).signer, plan);

    // The keeper restarts with both keys.
    const candidate = unwrap(await readCandidate(path, next));
    if (!candidate) throw new Error('nothing was written');
    await committee.stop(0);
    await committee.start(0, { successor: keysOf(next), candidate });
    expect(isKeeper(0, keysOf(old).signer.publicKey)).toBe(true);

    // Whoever proposes takes the text from the keeper: it is of the present epoch, whenever that is.
    await expect
      .poll(async () => {
        const [fresh] = await candidateAt(0);
        if (!fresh) return 'none';
        tab.submit(
          operationOf(ledger(1), host.device, {
            account: host.id,
            kind: 'propose',
            body: proposalOfCandidate(fresh),
          }),
        );
        await new Promise((resolve) => setTimeout(resolve, 300));
        return ledger(1).governance.open.size > 0 || isKeeper(1, keysOf(next).signer.publicKey);
      }, waitFor)
      .toBe(true);
    await expect.poll(() => isKeeper(1, keysOf(next).signer.publicKey), waitFor).toBe(true);
    expect(isKeeper(1, keysOf(old).signer.publicKey)).toBe(false);

    // With another one away, nothing is final without the new key.
    await committee.stop(3);
    await order(tab, () => transferOf(ledger(1), host, ben, 5));
    const state = await follow(tab);
    expect(state).toMatchObject({ keepers: [{ key: keysOf(next).signer.publicKey }, {}, {}, {}] });
    // The seat goes on with its randomness, too: the new key's chain has moved.
    await expect
      .poll(() => equalBytes(ledger(1).keepers[0]?.beacon ?? new Uint8Array(), next.beacon), waitFor)
      .toBe(false);

    // From now on the new key alone is enough: it starts from the same data, and votes.
    await committee.stop(0);
    await committee.start(0, { keys: keysOf(next) });
    await order(tab, () => transferOf(ledger(1), host, ben, 7));
    expect(ledger(1).accounts.get(ben.id)?.balance).toBe(12);
  });

  it('moves a ledger of one keeper to a new key without a stop', async () => {
    committee = await startCommittee(1, { rich: [host], epochSeconds: 1 });
    const [old] = committee.files;
    if (!old) throw new Error('no keeper');
    const next = testKeeperFile('host, again', '');
    const known = unwrap(await fetchLedger(addressOf(0)));
    const plan = unwrap(planReplacement(known, publicPartOf(next), old.name, 'A new key'));
    await committee.stop(0);
    const candidate = { net: committee.net, ...plan, countersignatures: [] };
    await committee.start(0, { successor: keysOf(next), candidate });
    const tab = await connect(0);
    await order(tab, () => openingOf(ledger(0), host));
    await expect
      .poll(
        async () => {
          const [fresh] = await candidateAt(0);
          const body = fresh && proposalOfCandidate(fresh);
          if (body)
            tab.submit(operationOf(ledger(0), host.device, { account: host.id, kind: 'propose', body }));
          return isKeeper(0, keysOf(next).signer.publicKey);
        },
        { ...waitFor, interval: 300 },
      )
      .toBe(true);
    await order(tab, () => transferOf(ledger(0), host, ben, 5));
    expect(await follow(tab)).toMatchObject({ keepers: [{ key: keysOf(next).signer.publicKey }] });
  });
});

describe('the text by which a key asks for a seat', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) =>
    testKeeperFile(`new ${name}`, `wss://${name}.example/ledger`),
  ) as [
    ReturnType<typeof testKeeperFile>,
    ReturnType<typeof testKeeperFile>,
    ReturnType<typeof testKeeperFile>,
  ];

  it('is one proposal for three newcomers, whoever writes it', async () => {
    committee = await startCommittee(1);
    const known = unwrap(await fetchLedger(addressOf(0)));
    const files = [a, b, c];
    const texts = await Promise.all(
      files.map(async (file, at) => {
        const others = files.filter((other) => other !== file).map(publicPartOf);
        const plan = unwrap(planThreeMore(known, publicPartOf(file), others.reverse(), undefined));
        return writeCandidate(
          join(committee.folder, `${at}.candidate.json`),
          known,
          keysOf(file).signer,
          plan,
        );
      }),
    );
    const merged = unwrap(mergeCandidates(unwrap(parseCandidates(texts.join('')))));
    expect(merged.countersignatures).toHaveLength(3);
    expect(merged.description).toBe('new a, new b, new c keep the ledger, too');
    expect(await readFile(join(committee.folder, '0.candidate.json'), 'utf8')).not.toContain('secret');
  });

  it('is refused with what to do', async () => {
    committee = await startCommittee(1);
    const known = unwrap(await fetchLedger(addressOf(0)));
    const own = publicPartOf(a);
    expect(planReplacement(known, own, 'nobody', undefined)).toMatchObject({
      error: { message: expect.stringMatching(/"nobody" is no keeper .* keepers are keeper 0/) },
    });
    expect(planThreeMore(known, own, [publicPartOf(b)], undefined)).toMatchObject({
      error: { message: expect.stringMatching(/2 newcomers/) },
    });
    expect(await fetchLedger('http://127.0.0.1:1')).toMatchObject({
      error: { message: expect.stringMatching(/no keeper can be asked/) },
    });
    const path = join(committee.folder, 'a.candidate.json');
    await writeCandidate(
      path,
      known,
      keysOf(a).signer,
      unwrap(planReplacement(known, own, 'keeper 0', 'Words')),
    );
    expect(await readCandidate(path, b)).toMatchObject({
      error: { message: expect.stringMatching(/does not ask for a seat for this key/) },
    });
  });
});
