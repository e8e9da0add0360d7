import { readFile, stat } from 'node:fs/promises';
import * as v from 'valibot';
import type { AccountId } from '../../src/core/brand.ts';
import { type Bytes, concatBytes, fromBase64url, toBase64url, utf8 } from '../../src/core/bytes.ts';
import { sha256Bytes } from '../../src/core/hash.ts';
import { err, type Fault, fault, ok, type Result } from '../../src/core/result.ts';
import { parseWith } from '../../src/core/schema.ts';
import { accountIdOf } from '../../src/identity/index.ts';
import { accountSchema, shortText } from '../../src/ledger/schemas.ts';
import type { Keeper } from '../../src/ledger/types.ts';
import { keep } from '../keep.ts';
import { type BeaconChain, createBeaconChain, defaultBeaconLength } from './beacon.ts';
import { createSeedSigner } from './ed25519.ts';

/**
 * What a keeper is, on its disk for its user alone (mode 0600). From the one secret come its signing key, its chain of
 * randomness and the account that carries its reveals. Never to be used in two places, nor put back from a backup without the
 * keeper's data: a keeper that forgot its votes could contradict them.
 */
export type KeeperFile = {
  readonly name: string;
  /** As the others reach it; '' for "the host this page came from". */
  readonly url: string;
  readonly worker: AccountId;
  readonly secret: Bytes;
  readonly beaconLength: number;
  /** What its chain of reveals begins with: all that a start needs of it. */
  readonly beacon: Bytes;
};

export type KeyFileFault = Fault<'key-file'>;

/** Hashes the whole chain once: some 0.3 s for the usual length. */
export const createKeeperFile = (
  given: Pick<KeeperFile, 'name' | 'url' | 'worker' | 'secret'>,
  beaconLength = defaultBeaconLength,
): KeeperFile => ({
  ...given,
  beaconLength,
  beacon: createBeaconChain(derived(given.secret, 'beacon'), beaconLength).commitment,
});

/** What runs a keeper. Its chain of reveals is hashed when the first is due. */
export const keysOf = ({ secret, beaconLength }: KeeperFile) => {
  let chain: BeaconChain | undefined;
  const reveal = (shown: Uint8Array): Bytes | undefined => {
    chain ??= createBeaconChain(derived(secret, 'beacon'), beaconLength);
    return chain.after(shown);
  };
  const carrier = createSeedSigner(derived(secret, 'carrier'));
  return {
    signer: createSeedSigner(derived(secret, 'signing')),
    carrier,
    carrierAccount: accountIdOf(carrier.publicKey),
    /** What hashes to the value that is shown; undefined after the last. */
    reveal,
  };
};
export type KeeperKeys = ReturnType<typeof keysOf>;

/** What genesis, and everybody, knows of it. */
export const publicPartOf = (file: KeeperFile): Keeper => {
  const { name, url, worker, beacon } = file;
  return { name, url, worker, beacon, key: keysOf(file).signer.publicKey };
};

export const writeKeeperFile = (path: string, file: KeeperFile): Promise<void> =>
  keep(
    path,
    `${JSON.stringify({ v: 1, ...file, secret: toBase64url(file.secret), beacon: toBase64url(file.beacon) }, undefined, 2)}\n`,
  );

export const readKeeperFile = async (path: string): Promise<Result<KeeperFile, KeyFileFault>> => {
  const refuse = (message: string) => err(fault('key-file', `${path}: ${message}`));
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > maxFileBytes) return refuse(`has ${size} bytes, which is no keeper's key file`);
    text = await readFile(path, 'utf8');
  } catch (cause) {
    return refuse(`can not be read (${cause instanceof Error ? cause.message : String(cause)})`);
  }
  const parsed = parseJson(text);
  if (!parsed.ok) return refuse('is no JSON: this is not the file that `keeper init` wrote');
  const file = parseWith(fileSchema, parsed.value);
  if (!file.ok) return refuse(file.error.message);
  const { v: _, ...rest } = file.value;
  return ok(rest);
};

/** As one operator gives it to another. */
export const formatPublicPart = ({ key, beacon, ...rest }: Keeper): string =>
  `${JSON.stringify({ ...rest, key: toBase64url(key), beacon: toBase64url(beacon) }, undefined, 2)}\n`;

export const parsePublicPart = (text: string): Result<Keeper, KeyFileFault> => {
  const parsed = parseJson(text);
  const part = parsed.ok ? parseWith(publicPartSchema, parsed.value) : parsed;
  if (part.ok) return part;
  const reason = part.error?.message ?? 'it is no JSON';
  return err(fault('key-file', `this is not the public part that \`keeper init\` wrote: ${reason}`));
};

const maxFileBytes = 16 * 1024;

const textOf32Bytes = v.pipe(
  v.string(),
  v.transform((text) => fromBase64url(text)),
  v.check((bytes) => bytes?.byteLength === 32, 'is no text of 32 bytes'),
  v.transform((bytes) => bytes ?? new Uint8Array()),
);

/** wss: only: the key is not at stake, but who watches a plain line sees who talks to whom. ws: for one machine. */
export const keeperUrlSchema = v.pipe(
  shortText(256),
  v.check((text) => {
    if (!URL.canParse(text)) return false;
    const { protocol, pathname, hash, search, username } = new URL(text);
    return /^wss?:$/.test(protocol) && pathname === '/ledger' && `${hash}${search}${username}` === '';
  }, 'must be like wss://keeper.example/ledger'),
);
export const keeperNameSchema = v.pipe(shortText(40), v.minLength(1, 'must not be empty'));

const fileSchema = v.strictObject({
  v: v.literal(1, 'is of another version: update the keeper'),
  name: keeperNameSchema,
  url: v.union([v.literal(''), keeperUrlSchema]),
  worker: accountSchema,
  secret: textOf32Bytes,
  beaconLength: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(2 ** 24)),
  beacon: textOf32Bytes,
});

const publicPartSchema = v.strictObject({
  name: keeperNameSchema,
  url: v.union([v.literal(''), keeperUrlSchema]),
  worker: accountSchema,
  key: textOf32Bytes,
  beacon: textOf32Bytes,
});

const parseJson = (text: string): Result<unknown, undefined> => {
  try {
    return ok(JSON.parse(text) as unknown);
  } catch {
    return err(undefined);
  }
};

const derived = (secret: Uint8Array, role: string): Bytes =>
  sha256Bytes(concatBytes(utf8(`vc1.keeper.${role}/`), secret));
