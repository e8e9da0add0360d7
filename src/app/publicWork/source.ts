import * as v from 'valibot';
import type { Sha256 } from '../../core/brand.ts';
import { type Bytes, toHex } from '../../core/bytes.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import { parseWith } from '../../core/schema.ts';
import { merkleRoot } from '../../ledger/merkle.ts';
import type { Listing } from '../../ledger/transition/mint/types.ts';

/** What a host may offer: server/publicWork.ts has the same bounds. */
const limits = {
  maxLists: 16,
  maxInputs: 4_096,
  maxPageBytes: 32 * 1024 * 1024,
  maxListBytes: 16 * 1024 * 1024,
};

export type InputList = {
  readonly name: string;
  /** RFC 6962 root over the pages' hashes, as a listing names it; and the same in hex, as a key. */
  readonly root: Bytes;
  readonly key: string;
  readonly pages: readonly ListedPage[];
};
export type ListedPage = { readonly sha256: Sha256; readonly hash: Bytes; readonly bytes: number };

export type SourceFault = Fault<'unreachable' | 'list' | 'page' | 'cancelled'>;

/** Where pages come from: the host, which is believed in nothing but what hashes confirm. */
export interface PageSource {
  lists(signal?: AbortSignal): Promise<Result<readonly InputList[], SourceFault>>;
  /** Its content is what its hash says. */
  page(page: ListedPage, signal?: AbortSignal): Promise<Result<Blob, SourceFault>>;
}

/** `get`: the body at a path of this origin, no longer than so many bytes. */
export type Get = (
  path: string,
  maxBytes: number,
  signal: AbortSignal | undefined,
) => Promise<Result<Bytes, SourceFault>>;

export const createPageSource = (deps: {
  readonly get: Get;
  readonly crypto: Pick<CryptoPort, 'digest'>;
}): PageSource => ({
  async lists(signal) {
    const body = await deps.get('/public-work/list', limits.maxListBytes, signal);
    return body.ok ? readLists(body.value) : body;
  },
  async page({ sha256, bytes, hash }, signal) {
    const body = await deps.get(`/public-work/${sha256}`, bytes, signal);
    if (!body.ok) return body;
    const digest = await deps.crypto.digest(body.value);
    if (toHex(digest) !== toHex(hash))
      return err(fault('page', `the host sent another page than ${sha256.slice(0, 12)}…: it is not read`));
    return ok(new Blob([body.value]));
  },
});

/**
 * The page of a unit, if the host offers the listing's. `key` was computed here from all leaves, so the ledger's root decides
 * which page it is, not the host.
 */
export const pageOf = (
  { inputs, units }: Pick<Listing, 'inputs' | 'units'>,
  unit: number,
  lists: readonly InputList[],
): ListedPage | undefined => {
  const list = lists.find(({ key }) => key === toHex(inputs));
  return list?.pages.length === units ? list.pages[unit] : undefined;
};

const listSchema = v.object({
  v: v.literal(1, 'is of another version: reload the page'),
  lists: v.pipe(
    v.array(
      v.object({
        name: v.pipe(v.string(), v.maxLength(255)),
        inputs: v.pipe(
          v.array(
            v.object({
              sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'is no SHA-256')),
              bytes: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(limits.maxPageBytes)),
            }),
          ),
          v.minLength(2),
          v.maxLength(limits.maxInputs),
        ),
      }),
    ),
    v.maxLength(limits.maxLists),
  ),
});

export const readLists = (body: Uint8Array): Result<readonly InputList[], SourceFault> => {
  const parsed = parseWith(listSchema, parseJson(body));
  if (!parsed.ok)
    return err(fault('list', `the host's list of pages can't be read: ${parsed.error.message}`));
  return ok(
    parsed.value.lists.map(({ name, inputs }) => {
      const pages = inputs.map(({ sha256, bytes }) => ({
        sha256: sha256 as Sha256,
        hash: bytesOfHex(sha256),
        bytes,
      }));
      const root = merkleRoot(pages.map(({ hash }) => hash));
      return { name, root, key: toHex(root), pages };
    }),
  );
};

const parseJson = (body: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
};

const bytesOfHex = (hex: string): Bytes =>
  Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
