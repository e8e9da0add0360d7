import * as v from 'valibot';
import type { Bytes } from '../../core/bytes.ts';
import { encodeCbor } from '../../core/codec.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import { countSchema, decodeWith } from '../../core/schema.ts';
import type { AgreementRecord, Proposal, Vote } from '../agreement/index.ts';
import { blockBytes, blockLimits, readBlock } from '../block.ts';
import { readConsensusMessage } from '../messages.ts';
import { idSchema, ownBytes, signatureSchema } from '../schemas.ts';
import type { Block, BlockId } from '../types.ts';
import type { ReadMessage } from './types.ts';
import { type SignedVote, signaturesOf, type Voice } from './wire.ts';

/**
 * What a keeper writes down before it says anything (rule 3 of the protocol), version 1, each record deterministic CBOR:
 *   h/<height>/<count>      one record of the agreement, counted in the order in which they were made
 *   h/<height>/b/<block id> a block that a record names, with the proposal it came with
 *   amnesia                 this disk is an old one: its key votes no more
 */
export type StoredRecords = Iterable<readonly [key: string, record: Uint8Array]>;

export type ProposedBlock = { readonly seat: number; readonly message: ReadMessage; readonly block: Block };

/** What was promised at one height. */
export type HeightRecords = {
  /** Read only when the height comes, because then the seat is known. */
  readonly agreement: readonly StoredRecord[];
  readonly blocks: readonly ProposedBlock[];
};

export type RecordFault = Fault<'record'>;

export const amnesiaKey = 'amnesia';
export const amnesiaRecord = (height: number): Bytes => encodeCbor({ height });
export const heightPrefix = (height: number): string => `h/${height}/`;
export const recordKey = (height: number, count: number): string =>
  `${heightPrefix(height)}${`${count}`.padStart(8, '0')}`;
export const blockKey = (height: number, id: BlockId): string => `${heightPrefix(height)}b/${id}`;

export const recordBytes = (voice: Voice, record: AgreementRecord): Bytes =>
  encodeCbor(storedRecordOf(voice, record));

export const proposedBlockBytes = ({ seat, message, block }: ProposedBlock): Bytes =>
  encodeCbor({ seat, bytes: message.bytes, signature: message.signature, block: blockBytes(block) });

export type ReadRecords = { readonly amnesia: boolean; readonly heights: ReadonlyMap<number, HeightRecords> };

/** All or nothing: a keeper that can't read one of its promises must not vote. */
export const readRecords = (stored: StoredRecords): Result<ReadRecords, RecordFault> => {
  const agreements = new Map<number, Map<number, StoredRecord>>();
  const blocks = new Map<number, ProposedBlock[]>();
  let amnesia = false;
  for (const [key, bytes] of stored) {
    if (key === amnesiaKey) {
      amnesia = true;
      continue;
    }
    const [, height, isBlock, count] = keyPattern.exec(key) ?? [];
    if (height === undefined) return refuse(key, 'no record of this version has such a key');
    if (isBlock) {
      const block = readProposedBlock(bytes);
      if (!block.ok) return refuse(key, block.error.message);
      blocks.set(Number(height), [...(blocks.get(Number(height)) ?? []), block.value]);
    } else {
      const record = decodeWith(recordSchema, bytes, recordLimits);
      if (!record.ok) return refuse(key, record.error.message);
      const ofHeight = agreements.get(Number(height)) ?? new Map<number, StoredRecord>();
      agreements.set(Number(height), ofHeight.set(Number(count), record.value));
    }
  }
  const heights = new Map<number, HeightRecords>();
  for (const height of new Set([...agreements.keys(), ...blocks.keys()])) {
    const counted = [...(agreements.get(height) ?? [])].sort(([a], [b]) => a - b);
    // A record that is missing may be a promise that is missing.
    if (counted.some(([count], index) => count !== index))
      return refuse(heightPrefix(height), 'a record between others is missing');
    heights.set(height, {
      agreement: counted.map(([, record]) => record),
      blocks: blocks.get(height) ?? [],
    });
  }
  return ok({ amnesia, heights });
};

export const toAgreementRecord = (height: number, seat: number, stored: StoredRecord): AgreementRecord => {
  const { r: round } = stored;
  switch (stored.k) {
    case 'vote':
      return { kind: 'vote', vote: { type: stored.t, height, round, value: stored.v, voter: seat } };
    case 'proposal': {
      const { v: value, w: validRound } = stored;
      return {
        kind: 'proposal',
        proposal: { type: 'proposal', height, round, validRound, value, proposer: seat },
      };
    }
    case 'polka': {
      const votes = stored.p.map(
        ([voter, signature]): SignedVote => ({
          type: 'prevote',
          height,
          round,
          value: stored.v,
          voter,
          signature,
        }),
      );
      const polka = { type: 'certificate', of: 'prevote', height, round, value: stored.v, votes } as const;
      return { kind: 'polka', polka, locked: stored.l };
    }
    case 'round': {
      const precommits = stored.p.map(
        ([voter, value, signature]): SignedVote => ({
          type: 'precommit',
          height,
          round: round - 1,
          value,
          voter,
          signature,
        }),
      );
      return { kind: 'round', round, precommits };
    }
  }
};

/** What this keeper itself said, as `Said` counts it. */
export const saidIn = (records: readonly StoredRecord[]): Said => {
  const said = new Map<string, string>();
  for (const record of records) {
    if (record.k === 'vote') said.set(`${record.t}/${record.r}`, `${record.v}`);
    if (record.k === 'proposal') said.set(`proposal/${record.r}`, `${record.v}/${record.w}`);
  }
  return said;
};

/** By type and round of a height: what this keeper signed. */
export type Said = ReadonlyMap<string, string>;
type Spoken = ReadMessage['content'] | Vote | Proposal;
export const saying = (message: Spoken): readonly [moment: string, words: string] => {
  const words = message.type === 'proposal' ? `${message.value}/${message.validRound}` : `${message.value}`;
  return [`${message.type}/${message.round}`, words];
};

const keyPattern = /^h\/([1-9][0-9]{0,15})\/(?:(b)\/[A-Za-z0-9_-]{43}|([0-9]{8,16}))$/;
const recordLimits = { maxBytes: 64 * 1024, maxDepth: 3 } as const;

const count = countSchema(Number.MAX_SAFE_INTEGER);
const seatSchema = countSchema(blockLimits.maxKeepers - 1);
const value = idSchema<BlockId>();
const recordSchema = v.variant('k', [
  v.strictObject({
    k: v.literal('vote'),
    t: v.picklist(['prevote', 'precommit']),
    r: count,
    v: v.nullable(value),
  }),
  v.strictObject({
    k: v.literal('proposal'),
    r: count,
    v: value,
    w: v.pipe(v.number(), v.safeInteger(), v.minValue(-1)),
  }),
  v.strictObject({
    k: v.literal('polka'),
    r: count,
    v: value,
    l: v.boolean(),
    p: v.pipe(v.array(v.strictTuple([seatSchema, signatureSchema])), v.maxLength(blockLimits.maxKeepers)),
  }),
  v.strictObject({
    k: v.literal('round'),
    r: v.pipe(count, v.minValue(1)),
    p: v.pipe(
      v.array(v.strictTuple([seatSchema, v.nullable(value), signatureSchema])),
      v.maxLength(blockLimits.maxKeepers),
    ),
  }),
]);
export type StoredRecord = v.InferOutput<typeof recordSchema>;

const proposedSchema = v.strictObject({
  seat: seatSchema,
  bytes: ownBytes(1_024),
  signature: signatureSchema,
  block: ownBytes(blockLimits.maxBytes),
});

const readProposedBlock = (bytes: Uint8Array): Result<ProposedBlock, Fault> => {
  const limits = { maxBytes: blockLimits.maxBytes + 4_096, maxDepth: 1 };
  const read = decodeWith(proposedSchema, bytes, limits);
  if (!read.ok) return read;
  const content = readConsensusMessage(read.value.bytes);
  if (!content.ok) return content;
  const block = readBlock(read.value.block);
  if (!block.ok) return block;
  const { seat, bytes: signed, signature } = read.value;
  return ok({ seat, message: { bytes: signed, signature, content: content.value }, block: block.value });
};

const storedRecordOf = (voice: Voice, record: AgreementRecord) => {
  switch (record.kind) {
    case 'vote': {
      const { type, round, value: chosen } = record.vote;
      return { k: 'vote', t: type, r: round, v: chosen };
    }
    case 'proposal': {
      const { round, value: chosen, validRound } = record.proposal;
      return { k: 'proposal', r: round, v: chosen, w: validRound };
    }
    case 'polka': {
      const { round, value: chosen, votes } = record.polka;
      const signed = signaturesOf(voice, votes).map(({ voter, signature }) => [voter, signature]);
      return { k: 'polka', r: round, v: chosen, l: record.locked, p: signed };
    }
    case 'round': {
      const signatures = new Map(
        signaturesOf(voice, record.precommits).map(({ voter, signature }) => [voter, signature]),
      );
      const signed = record.precommits.map((vote) => [
        vote.voter,
        vote.value,
        signatures.get(vote.voter) ?? null,
      ]);
      return { k: 'round', r: record.round, p: signed };
    }
  }
};

const refuse = (key: string, why: string) =>
  err(
    fault(
      'record',
      `record ${key} can't be read (${why}): this keeper must not vote without knowing what it said; start it as restored`,
    ),
  );
