import * as v from 'valibot';
import type { Bytes } from '../../core/bytes.ts';
import { type CborValue, encodeCbor } from '../../core/codec.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import { decodeWith } from '../../core/schema.ts';
import { type HashTree, isObject, maxTreeDepth, membersOf } from './hashTree.ts';
import { isTableKey } from './place.ts';
import { emptyTable, isTable } from './table.ts';
import type { Table } from './types.ts';

/**
 * A state as a list of byte strings, to be sent to strangers and stored. A chunk is the CBOR of { format, index, count,
 * records }; the records of all chunks, one after the other, tell the tree from the root down, each by its path of names:
 *
 * | record            | says                                            |
 * |-------------------|-------------------------------------------------|
 * | [0, path]         | an object, whose members follow                 |
 * | [1, path, value]  | a CBOR value that is no plain object            |
 * | [2, path]         | a table, whose entries follow at once           |
 * | [3, key, value]   | an entry of the table that was told last        |
 *
 * The chunks prove nothing: whoever reads them compares `treeRoot` of what they tell with a certified root.
 */
const recordKind = { object: 0, value: 1, table: 2, entry: 3 } as const;
const chunkFormat = 'vc1.snapshot';

export const defaultChunkBytes = 256 * 1024;

/** At most what a chunk has around its records: four names, the format, and four heads of up to 9 bytes. */
const envelopeBytes = 72;

/** The envelope, the list of records and the record are around a value, which may be as deep as any message. */
const decodeDepth = 24 + 3;

/** An error if a single value with its key or path is too long for a chunk. Throws on what `treeRoot` throws on. */
export const treeToChunks = (
  tree: HashTree,
  maxBytes = defaultChunkBytes,
): Result<readonly Bytes[], Fault<'snapshot'>> => {
  const room = maxBytes - envelopeBytes;
  const lists: CborValue[][] = [[]];
  let used = 0;
  for (const record of recordsOf(tree, [])) {
    const size = encodeCbor(record).byteLength;
    if (size > room)
      return refusal(
        `one value takes ${size} bytes, a chunk of ${maxBytes} has room for ${room}: allow longer chunks`,
      );
    if (used + size > room) {
      lists.push([]);
      used = 0;
    }
    lists.at(-1)?.push(record);
    used += size;
  }
  const count = lists.length;
  return ok(
    lists.map((records, index) => encodeCbor({ format: chunkFormat, index, count, records }) satisfies Bytes),
  );
};

/**
 * Reads what a stranger may have made up: chunks in their order, each once. The tree keeps nothing of the given bytes.
 * That its members are what a state needs is known only once its root is compared.
 */
export const treeFromChunks = (
  chunks: readonly Uint8Array[],
  maxBytes = defaultChunkBytes,
): Result<HashTree, Fault<'snapshot'>> => {
  const tree: Draft = { root: undefined, table: undefined };
  for (const [place, chunk] of chunks.entries()) {
    // The decoder refuses what is too long; until then nothing of it is copied.
    const own = chunk.byteLength > maxBytes ? chunk : chunk.slice();
    const decoded = decodeWith(chunkSchema, own, { maxBytes, maxDepth: decodeDepth });
    if (!decoded.ok) return refusal(`chunk ${place} of ${chunks.length}: ${decoded.error.message}`);
    const { index, count, records } = decoded.value;
    if (index !== place || count !== chunks.length)
      return refusal(
        `chunk ${index} of ${count} stands in place ${place} of ${chunks.length}: give all chunks of one snapshot, in order`,
      );
    for (const record of records) {
      const complaint = addRecord(tree, record);
      if (complaint) return refusal(`chunk ${place} of ${chunks.length}: ${complaint}`);
    }
  }
  return tree.root ? ok(finished(tree.root)) : refusal('there is no chunk that tells anything');
};

function* recordsOf(tree: HashTree, path: readonly string[]): Generator<CborValue[], void> {
  if (path.length > maxTreeDepth) throw new RangeError(`a state nests deeper than ${maxTreeDepth} objects`);
  if (isTable(tree)) {
    yield [recordKind.table, path];
    for (const [key, value] of tree.entries()) yield [recordKind.entry, key, value];
  } else if (isObject(tree)) {
    yield [recordKind.object, path];
    for (const [name, member] of membersOf(tree)) yield* recordsOf(member, [...path, name]);
  } else yield [recordKind.value, path, tree];
}

type ObjectDraft = { readonly kind: 'object'; readonly members: Map<string, NodeDraft> };
type TableDraft = { readonly kind: 'table'; table: Table };
type NodeDraft = ObjectDraft | TableDraft | { readonly kind: 'value'; readonly value: CborValue };
type Draft = { root: NodeDraft | undefined; table: TableDraft | undefined };

const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const chunkSchema = v.strictObject({
  format: v.literal(chunkFormat),
  index: countSchema,
  count: countSchema,
  records: v.custom<readonly CborValue[]>(Array.isArray, 'its records are no list'),
});

/** What is wrong with it, if anything is. */
const addRecord = (tree: Draft, record: CborValue): string | undefined => {
  if (!Array.isArray(record)) return 'a record is no list';
  const [kind, where, value]: readonly (CborValue | undefined)[] = record;
  const hasValue = kind === recordKind.value || kind === recordKind.entry;
  if (record.length !== (hasValue ? 3 : 2)) return `a record has ${record.length} members`;
  if (hasValue && value === undefined) return 'a record lacks its value';
  if (kind === recordKind.entry) return addEntry(tree, where, value ?? null);
  const node = nodeOf(kind, value ?? null);
  if (typeof node === 'string') return node;
  tree.table = node.kind === 'table' ? node : undefined;
  return addNode(tree, where, node);
};

const addEntry = (
  { table: draft }: Draft,
  key: CborValue | undefined,
  value: CborValue,
): string | undefined => {
  if (!draft) return 'an entry does not follow its table';
  if (typeof key !== 'string' || !isTableKey(key)) return 'an entry has no valid key';
  if (draft.table.has(key)) return `the key ${key} comes twice`;
  draft.table = draft.table.set(key, value);
  return undefined;
};

/** Or what is wrong with it. A plain object among values would have a second form, and could be deeper than a tree may be. */
const nodeOf = (kind: CborValue | undefined, value: CborValue): NodeDraft | string => {
  switch (kind) {
    case recordKind.object:
      return { kind: 'object', members: new Map() };
    case recordKind.table:
      return { kind: 'table', table: emptyTable() };
    case recordKind.value:
      return isObject(value) ? 'an object is told as a value' : { kind: 'value', value };
    default:
      return 'a record is of no known kind';
  }
};

const addNode = (tree: Draft, path: CborValue | undefined, node: NodeDraft): string | undefined => {
  if (!Array.isArray(path) || path.length > maxTreeDepth || !path.every((name) => typeof name === 'string'))
    return `a path is no list of at most ${maxTreeDepth} names`;
  const name: string | undefined = path.at(-1);
  if (name === undefined) {
    if (tree.root) return 'the root is told twice';
    tree.root = node;
    return undefined;
  }
  let parent = tree.root;
  for (const step of path.slice(0, -1))
    parent = parent?.kind === 'object' ? parent.members.get(step) : undefined;
  if (parent?.kind !== 'object') return 'a member comes before its object';
  if (parent.members.has(name)) return 'a member is told twice';
  parent.members.set(name, node);
  return undefined;
};

const finished = (draft: NodeDraft): HashTree => {
  switch (draft.kind) {
    case 'object':
      // Defines own members whatever they are called, "__proto__" too.
      return Object.fromEntries([...draft.members].map(([name, member]) => [name, finished(member)]));
    case 'table':
      return draft.table;
    case 'value':
      return draft.value;
    default:
      return draft satisfies never;
  }
};

const refusal = (message: string) => err(fault('snapshot', message));
