import * as v from 'valibot';
import type { LedgerWorkerApi } from '../../../workers/protocol.ts';
import { type Bytes, fromBase64url } from '../../core/bytes.ts';
import { sha256Base64url } from '../../core/hash.ts';
import { err, fault, ok, type Result } from '../../core/result.ts';
import { parseWith } from '../../core/schema.ts';
import {
  type Fork,
  type ForkFault,
  forkProofBytes,
  keepersOfFork,
  readFork,
  readForkProof,
} from '../../ledger/replica/forkProof.ts';
import type { ForkProof } from '../../ledger/replica/types.ts';

type Proof = Pick<ForkProof, 'ours' | 'theirs'>;

/** A fork that was opened, with who had to certify its blocks as far as this browser knows. */
export type FoundFork = {
  readonly kind: 'fork';
  readonly id: string;
  readonly proof: Proof;
  readonly fork: Fork;
  readonly keepers: ReturnType<typeof keepersOfFork>;
  /** Found by this browser itself and kept for ever, or read from a file that somebody gave. */
  readonly from: 'here' | 'file';
};

export type ForksDeps = {
  /** The proof that stopped this browser's replica, if one did. */
  readonly kept: () => Proof | undefined;
  readonly log: Pick<LedgerWorkerApi, 'keepersAt' | 'accuse'>;
};

export interface Forks {
  /** Undefined: no proof is meant by that. */
  find(query: string): Promise<Result<FoundFork, string>> | undefined;
  /**
   * A file that somebody gave: its item. What contradicts this browser's own history and is certified stops its replica, as if
   * another tab had told of it.
   */
  read(file: Blob): Promise<Result<string, string>>;
}

/** The item of the proof that is kept here, the same after every reload. */
export const keptForkItem = 'fork-kept';
const prefix = 'fork-';
/** Two blocks of the largest size in base64, and what is said about them. */
const maxFileBytes = 4 * 1024 * 1024;

export const createForks = ({ kept, log }: ForksDeps): Forks => {
  const readById = new Map<string, Proof>();
  const open = async (id: string, proof: Proof, from: FoundFork['from']) => {
    const fork = readFork(proof);
    if (!fork.ok) return err(`This proof can’t be opened: ${fork.error.message}.`);
    const keepers = keepersOfFork(fork.value, await log.keepersAt(fork.value.height));
    return ok({ kind: 'fork', id, proof, fork: fork.value, keepers, from } as const);
  };
  return {
    find(query) {
      if (!query.startsWith(prefix)) return undefined;
      const proof = query === keptForkItem ? kept() : readById.get(query);
      if (proof) return open(query, proof, query === keptForkItem ? 'here' : 'file');
      return Promise.resolve(
        err(
          query === keptForkItem
            ? 'This browser knows of one history only.'
            : 'This proof was read from a file and is not kept here: choose the file again.',
        ),
      );
    },
    async read(file) {
      if (file.size > maxFileBytes)
        return err(`This file has ${file.size} bytes; a proof has at most ${maxFileBytes}.`);
      const bytes = new Uint8Array(await file.arrayBuffer());
      const proof = readForkFile(bytes);
      if (!proof.ok) return err(`This is no proof of two histories: ${proof.error.message}.`);
      const fork = readFork(proof.value);
      if (!fork.ok) return err(`This is no proof of two histories: ${fork.error.message}.`);
      const id = `${prefix}${sha256Base64url(forkProofBytes(proof.value)).slice(0, 16)}`;
      readById.set(id, proof.value);
      for (const block of [proof.value.ours, proof.value.theirs]) await log.accuse(block);
      return ok(id);
    },
  };
};

const text = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]*$/, 'is no base64url'));
const jsonSchema = v.object({
  v: v.literal(1, 'is of another version'),
  what: v.literal('fork'),
  first: v.object({ bytes: text }),
  second: v.object({ bytes: text }),
});

/** As JSON or CBOR; what the JSON says for people beside the bytes is not looked at. */
const readForkFile = (bytes: Bytes): Result<Proof, ForkFault> => {
  if (bytes[0] !== openingBrace) return readForkProof(bytes);
  try {
    const read = parseWith(jsonSchema, JSON.parse(new TextDecoder().decode(bytes)));
    if (!read.ok) return err(fault('proof', read.error.message));
    const [ours, theirs] = [fromBase64url(read.value.first.bytes), fromBase64url(read.value.second.bytes)];
    return ours && theirs ? ok({ ours, theirs }) : err(fault('proof', 'its blocks are no base64url'));
  } catch {
    return err(fault('proof', 'it is no whole JSON'));
  }
};
const openingBrace = 0x7b;
