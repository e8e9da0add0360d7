/** Lists of small messages that the representation has as records and maps: metadata and imported operator sets. */
import { concatBytes } from '../../core/bytes.ts';
import type { Metadata, Rest } from '../ir/types.ts';
import {
  findFields,
  type Message,
  openMessage,
  restOf,
  take,
  takeName,
  takeNumber,
  takeParts,
  takeText,
} from './messageReader.ts';
import {
  beginMessage,
  dropRest,
  finishMessage,
  type MessageWriter,
  takeLeft,
  wrapRest,
  writeEncoded,
  writeInt,
  writeName,
  writeText,
} from './messageWriter.ts';
import { refuse } from './refusal.ts';
import { wire } from './wireReader.ts';
import type { Encoded } from './wireWriter.ts';

type HasMetadata = 'ModelProto' | 'GraphProto' | 'NodeProto' | 'ValueInfoProto' | 'FunctionProto';
type HasOpsets = 'ModelProto' | 'FunctionProto';

/** The long name of the standard operators' domain, which means the empty one (Versioning.md). */
const standardDomain = 'ai.onnx';

/** Undefined without entries. An entry whose key was there before, or that isn't two texts, stays in the message's rest. */
export const takeMetadata = (message: Message<HasMetadata>): Metadata | undefined => {
  const entries = new Map<string, string>();
  for (const field of findFields(message, 'metadata_props', wire.bytes)) {
    const entry = readEntry(message, field);
    if (!entry || entries.has(entry[0])) continue;
    entries.set(...entry);
    take([field]);
  }
  return entries.size === 0 ? undefined : Object.fromEntries(entries);
};

export const writeMetadata = (writer: MessageWriter<HasMetadata>, metadata: Metadata | undefined): void => {
  for (const [key, value] of Object.entries(metadata ?? {}))
    writeEncoded(writer, 'metadata_props', encodeEntry(key, value));
};

export const encodeEntry = (key: string, value: string): Encoded => {
  const writer = beginMessage('StringStringEntryProto', undefined);
  writeText(writer, 'key', key);
  writeText(writer, 'value', value);
  return finishMessage(writer);
};

/** Undefined if there is more or less in it than a key and a value. */
export const readEntry = (
  { reading, depth }: Message<HasMetadata | 'TensorProto'>,
  { at, end }: { readonly at: number; readonly end: number },
): readonly [string, string] | undefined => {
  const message = openMessage(reading, 'StringStringEntryProto', { start: at, end, depth: depth + 1 });
  const [key, value] = [takeText(message, 'key'), takeText(message, 'value')];
  return key === undefined || value === undefined || message.fields.length !== 2 ? undefined : [key, value];
};

export type Opsets = {
  readonly opsets: ReadonlyMap<string, number>;
  /** How the file spells domains, entry by entry: belongs to the rest of the message that has the list. */
  readonly left: Rest | undefined;
};

export const takeOpsets = (message: Message<HasOpsets>): Opsets => {
  const opsets = new Map<string, number>();
  const left: (Rest | undefined)[] = [];
  for (const part of takeParts(message, 'opset_import')) {
    const entry = openMessage(message.reading, 'OperatorSetIdProto', part);
    const domain = takeDomain(entry);
    const version = takeNumber(entry, 'version');
    if (typeof version !== 'number' || version < 0)
      throw refuse('invalid', `operator set '${domain}' has version ${version}`);
    const known = opsets.get(domain);
    if (known !== undefined && known !== version)
      throw refuse('invalid', `operator set '${domain}' is imported in versions ${known} and ${version}`);
    if (known !== undefined) continue;
    opsets.set(domain, version);
    left.push(restOf(entry));
  }
  return { opsets, left: wrapRest(message.name, 'opset_import', left) };
};

export const writeOpsets = (writer: MessageWriter<HasOpsets>, opsets: ReadonlyMap<string, number>): void => {
  const left = takeLeft(writer, 'opset_import');
  let index = 0;
  for (const [domain, version] of opsets) {
    const entry = beginMessage('OperatorSetIdProto', left[index++]);
    if (domain !== '') dropRest(entry, 'domain');
    writeName(entry, 'domain', domain);
    if (version !== 0) writeInt(entry, 'version', version);
    writeEncoded(writer, 'opset_import', finishMessage(entry));
  }
};

/** '' for the standard operators; how the file says that stays in the rest. */
export const takeDomain = (message: Message<'OperatorSetIdProto' | 'NodeProto'>): string => {
  const found = findFields(message, 'domain', wire.bytes);
  const domain = takeName(message, 'domain');
  if (domain !== standardDomain) return domain;
  for (const field of found) field.taken = false;
  return '';
};

export const joinLeft = (...parts: readonly (Rest | undefined)[]): { readonly rest?: Rest } => {
  const present = parts.filter((part) => part !== undefined);
  return present.length === 0 ? {} : { rest: concatBytes(...present) };
};
