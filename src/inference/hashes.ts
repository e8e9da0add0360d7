import type { JobId, Sha256, TaskId } from '../core/brand.ts';
import { concatBytes, toBase64url, toHex, utf8 } from '../core/bytes.ts';
import { type CborValue, encodeCbor } from '../core/codec.ts';
import { sha256Bytes, sha256Hex } from '../core/hash.ts';
import type { CryptoPort } from '../core/ports/crypto.ts';
import type { TaskKind, TaskTable } from './contracts.ts';
import { imagesOf } from './cost.ts';

/**
 * What a receipt calls its input: SHA-256 over the kind and each image's size and digest. Pixels are digested by the
 * crypto port, so that megabytes are hashed off the caller's thread and never copied into one buffer.
 */
export const hashInput = async <Kind extends TaskKind>(
  kind: Kind,
  input: TaskTable[Kind]['input'],
  crypto: Pick<CryptoPort, 'digest'>,
): Promise<Sha256> => {
  const images: CborValue[] = [];
  for (const { width, height, data } of imagesOf(kind, input)) {
    images.push({ width, height, digest: await crypto.digest(data) });
  }
  return toHex(sha256Bytes(concatBytes(utf8('aivillage/input/1'), encodeCbor({ kind, images })))) as Sha256;
};

export const hashOutput = <Kind extends TaskKind>(kind: Kind, output: TaskTable[Kind]['output']): Sha256 =>
  sha256Hex(
    concatBytes(utf8('aivillage/output/1'), encodeCbor({ kind, output: output as unknown as CborValue })),
  );

/**
 * A task's name follows from what it is, so a requester that crashed and starts again names the same work the same,
 * and a worker can't be owed twice for it.
 */
export const taskIdOf = (job: JobId, page: number, kind: TaskKind, lines: readonly number[]): TaskId =>
  toBase64url(
    sha256Bytes(concatBytes(utf8('aivillage/task/1'), encodeCbor({ job, page, kind, lines }))).slice(0, 16),
  ) as TaskId;
