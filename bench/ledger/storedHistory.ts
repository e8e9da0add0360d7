import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { root } from '../../scripts/lib/village.ts';
import { type Bytes, toHex } from '../../src/core/bytes.ts';
import { encodeCbor } from '../../src/core/codec.ts';
import { unwrap } from '../../src/core/result.ts';
import { decodeWith } from '../../src/core/schema.ts';
import { genesisBytes } from '../../src/ledger/genesis.ts';
import { stateRootOf } from '../../src/ledger/stateRoot.ts';
import { makeHistory } from './history.ts';

/** A history, and what whoever replays it must come to. */
export type StoredHistory = {
  readonly genesis: Bytes;
  readonly blocks: readonly Bytes[];
  readonly operations: number;
  readonly epoch: number;
  readonly head: string;
  readonly root: string;
};

const ownBytes = v.pipe(
  v.instance(Uint8Array),
  v.transform((bytes): Bytes => new Uint8Array(bytes)),
);
const schema = v.strictObject({
  genesis: ownBytes,
  blocks: v.array(ownBytes),
  operations: v.number(),
  epoch: v.number(),
  head: v.string(),
  root: v.string(),
});
/** Raised whenever histories are made otherwise. */
const version = 1;
const limits = { maxBytes: 512 * 1024 * 1024, maxDepth: 3 };

/** Made once, and then read from .cache: signing a hundred thousand operations takes longer than replaying them. */
export const storedHistory = async (
  shape: Parameters<typeof makeHistory>[0],
  say: (text: string) => void,
): Promise<StoredHistory> => {
  const { operations, accounts, keepers } = shape;
  const folder = join(root, '.cache');
  const path = join(folder, `ledger-history-v${version}-${operations}-${accounts}-${keepers}.cbor`);
  const kept = await readFile(path).catch(() => undefined);
  if (kept) return unwrap(decodeWith(schema, kept, limits));
  say(`a history of ${operations} operations is made, once…`);
  const { genesis, blocks, operations: made, state } = makeHistory(shape);
  const history: StoredHistory = {
    genesis: genesisBytes(genesis),
    blocks,
    operations: made,
    epoch: state.epoch,
    head: state.position.head,
    root: toHex(stateRootOf(state)),
  };
  await mkdir(folder, { recursive: true });
  await writeFile(path, encodeCbor(history));
  return history;
};
