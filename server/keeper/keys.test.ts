import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../src/core/bytes.ts';
import { sha256Bytes } from '../../src/core/hash.ts';
import { unwrap } from '../../src/core/result.ts';
import { applyBlock } from '../../src/ledger/apply.ts';
import { buildOperationsBlock } from '../../src/ledger/build.ts';
import { genesisBytes, initialState } from '../../src/ledger/genesis.ts';
import { readGenesis } from '../../src/ledger/readGenesis.ts';
import { checkSignatures } from '../../src/ledger/signatures.ts';
import { createTestGenesis, createTestLedger } from '../../src/ledger/testDoubles.ts';
import type { LedgerState, ReadOperation } from '../../src/ledger/types.ts';
import { createNodeCrypto } from '../../src/platform/node/index.ts';
import { createBeaconChain } from './beacon.ts';
import { createCarrier } from './carrier.ts';
import { createSeedSigner, createVerifyNow, rememberVerified } from './ed25519.ts';
import { createGenesis, originsOf } from './genesisFile.ts';
import {
  formatPublicPart,
  keysOf,
  parsePublicPart,
  publicPartOf,
  readKeeperFile,
  writeKeeperFile,
} from './keyFile.ts';
import { createRealPerson, testKeeperFile } from './testDoubles.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aivillage-keys-'));
});
afterEach(() => rm(folder, { recursive: true }));

const file = testKeeperFile('A', 'wss://a.example/ledger');
const crypto = createNodeCrypto();

describe("a keeper's key file", () => {
  it('is for its user alone, and gives the same keeper again', async () => {
    const path = join(folder, 'a.json');
    await writeKeeperFile(path, file);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(unwrap(await readKeeperFile(path))).toEqual(file);
  });

  it.each([
    ['nothing', undefined],
    ['no JSON', '{'],
    ['another file', '{"v":1}'],
    ['a short secret', JSON.stringify({ v: 1, ...file, secret: 'AAAA' })],
    ['a url of no socket', JSON.stringify({ v: 1, ...file, url: 'https://a', secret: 'A'.repeat(43) })],
    ['a novel', ' '.repeat(100_000)],
  ])('is refused with its name if it is %s', async (_, text) => {
    const path = join(folder, 'a.json');
    if (text !== undefined) await writeFile(path, text);
    const read = await readKeeperFile(path);
    expect(!read.ok && read.error.message).toContain(path);
  });

  it('has a public part that tells no secret, and is read back', () => {
    const part = publicPartOf(file);
    const text = formatPublicPart(part);
    expect(unwrap(parsePublicPart(text))).toEqual(part);
    expect(text).not.toContain('secret');
    expect(parsePublicPart('{}')).toMatchObject({ ok: false });
    expect(parsePublicPart('?')).toMatchObject({ ok: false });
  });
});

describe('signing and verifying at once', () => {
  const signer = createSeedSigner(sha256Bytes(utf8('seed')));
  const message = utf8('message');

  it('agrees with WebCrypto', async () => {
    const other = await crypto.signingKeyFromSeed(sha256Bytes(utf8('seed')));
    expect(signer.publicKey).toEqual(other.publicKey);
    expect(signer.sign(message)).toEqual(await other.sign(message));
    const verifyNow = createVerifyNow();
    expect(verifyNow(signer.publicKey, message, signer.sign(message))).toBe(true);
    expect(verifyNow(signer.publicKey, utf8('other'), signer.sign(message))).toBe(false);
    expect(verifyNow(new Uint8Array(32).fill(0xff), message, signer.sign(message))).toBe(false);
    expect(verifyNow(new Uint8Array(3), message, new Uint8Array(2))).toBe(false);
  });

  it('remembers what held, for the same key and message only', async () => {
    let asked = 0;
    const { verify, remember } = rememberVerified(async (...given) => {
      asked++;
      return crypto.verify(...given);
    });
    const signature = signer.sign(message);
    expect(await verify(signer.publicKey, message, signature)).toBe(true);
    expect(await verify(signer.publicKey, message, signature)).toBe(true);
    expect(asked).toBe(1);
    expect(await verify(signer.publicKey, utf8('other'), signature)).toBe(false);
    expect(await verify(sha256Bytes(message), message, signature)).toBe(false);
    const elsewhere = utf8('found to hold elsewhere');
    remember(signer.publicKey, elsewhere, signer.sign(elsewhere));
    asked = 0;
    expect(await verify(signer.publicKey, elsewhere, signer.sign(elsewhere))).toBe(true);
    expect(asked).toBe(0);
  });
});

describe('a chain of reveals', () => {
  it.each([1, 2, 7, 64, 65])('of length %i is revealed to its end, each the hash of the next', (length) => {
    const chain = createBeaconChain(utf8('secret'), length);
    let shown = chain.commitment;
    for (let i = 0; i < length; i++) {
      const next = chain.after(shown);
      if (!next) throw new Error(`no reveal ${i}`);
      expect(sha256Bytes(next)).toEqual(shown);
      shown = next;
    }
    expect(chain.after(shown)).toBeUndefined();
  });

  it('finds its place anew wherever it is, and knows nothing of others', () => {
    const chain = createBeaconChain(utf8('secret'), 100);
    const late = createBeaconChain(utf8('secret'), 100);
    let shown = chain.commitment;
    for (let i = 0; i < 70; i++) shown = chain.after(shown) ?? shown;
    expect(late.after(shown)).toEqual(chain.after(shown));
    expect(late.after(chain.commitment)).toEqual(chain.after(chain.commitment));
    expect(late.after(new Uint8Array(32))).toBeUndefined();
  });
});

describe("the account that carries a keeper's words", () => {
  const { carrier: signer, carrierAccount, reveal } = keysOf(file);
  const genesis = createGenesis({
    name: 'test',
    time: 0,
    keepers: [publicPartOf(file)],
    host: createRealPerson('host').id,
  });
  const wishOf = () => {
    const preimage = reveal(file.beacon);
    if (!preimage) throw new Error('no reveal');
    return { kind: 'beacon' as const, body: { keeper: 0, preimage } };
  };
  const order = (state: LedgerState, operation: ReadOperation | undefined): LedgerState => {
    const { block } = buildOperationsBlock(state, operation ? [operation] : [], { creator: 0, time: 0 });
    return block ? unwrap(applyBlock(state, block)).state : state;
  };

  it('is opened, then says what is wished, each until it is settled', async () => {
    const carrier = createCarrier(signer, carrierAccount);
    let state = initialState(genesis);
    expect(carrier.next(state)).toBeUndefined();
    carrier.want(wishOf());
    const opening = carrier.next(state);
    expect(opening?.operation.kind).toBe('open');
    expect(carrier.next(state)).toBe(opening);
    expect(await checkSignatures(state, opening ? [opening] : [], crypto)).toMatchObject({ ok: true });
    state = order(state, opening);
    const said = carrier.next(state);
    expect(said?.operation).toMatchObject({ kind: 'beacon', seq: 2 });
    state = order(state, said);
    expect(Object.keys(state.reveals)).toEqual(['0']);
    expect(carrier.next(state)).toBeUndefined();
  });

  it('lets go what is refused, and goes on with the rest', () => {
    const carrier = createCarrier(signer, carrierAccount);
    let state = initialState(genesis);
    carrier.want(wishOf());
    state = order(state, carrier.next(state));
    const [first] = [carrier.next(state)];
    if (!first) throw new Error('nothing');
    carrier.want({ kind: 'beacon', body: { keeper: 7, preimage: new Uint8Array(32) } });
    carrier.refused('x'.repeat(43) as typeof first.id);
    expect(carrier.next(state)).toBe(first);
    carrier.refused(first.id);
    expect(carrier.next(state)?.operation).toMatchObject({ seq: 2, body: { keeper: 7 } });
  });
});

describe('a genesis', () => {
  const parts = ['A', 'B', 'C', 'D'].map((name) =>
    publicPartOf(testKeeperFile(name, `wss://${name.toLowerCase()}.example/ledger`)),
  );
  const host = createRealPerson('host').id;
  const begin = (keepers: typeof parts) => createGenesis({ name: 'test', time: 0, keepers, host });

  it('is read back, and begins a ledger that keeps its rules', () => {
    const genesis = begin(parts);
    expect(unwrap(readGenesis(genesisBytes(genesis)))).toEqual(genesis);
    createTestLedger(genesis).endEpochs(2);
    expect(originsOf(parts)).toContain('wss://a.example');
  });

  it.each([
    ['two keepers', parts.slice(0, 2)],
    ['one keeper twice', [...parts.slice(0, 3), ...parts.slice(0, 1)]],
    ['several keepers of whom one has no url', [...parts.slice(0, 3), publicPartOf(testKeeperFile('E', ''))]],
    ['no keepers', []],
  ])('with %s is refused', (_, keepers) => {
    expect(readGenesis(genesisBytes(begin(keepers)))).toMatchObject({ ok: false });
  });

  it('is not read from garbage, nor with parameters out of their bounds', () => {
    expect(readGenesis(utf8('garbage'))).toMatchObject({ ok: false });
    const wrong = {
      ...begin(parts),
      parameters: createTestGenesis({ parameters: { epochSeconds: 0 } }).parameters,
    };
    expect(readGenesis(genesisBytes(wrong))).toMatchObject({ ok: false });
  });
});
