import { err, ok, type Result } from '../../core/result.ts';
import { mapInitializers } from '../codec/graphTensors.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import { describeNode } from '../infer.ts';
import { byteLengthOf, countOf } from '../ir/dataTypes.ts';
import type { Attribute, ByteSource, Graph, Model, Tensor } from '../ir/types.ts';
import { graphsOf } from '../ops/order.ts';
import type { ByteRange, StageTensor } from './types.ts';

/** Every initializer of the model, of subgraphs too, and where its bytes are. */
export const tensorsOf = (model: Model): readonly StageTensor[] => {
  const found: StageTensor[] = [];
  mapInitializers(model, (tensor, name) => {
    const { dtype, dims, data } = tensor;
    const place: StageTensor['place'] =
      data.kind === 'slice' || data.kind === 'external'
        ? {
            kind: 'file',
            location: data.kind === 'external' ? data.location : undefined,
            offset: data.offset,
          }
        : { kind: 'inline' };
    found.push({ name, dtype, dims, length: lengthOf(tensor), place });
    return tensor;
  });
  return found;
};

export const lengthOf = ({ data, dtype, dims }: Tensor): number => {
  if (data.kind === 'strings') return data.strings.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (data.kind === 'bytes') return data.bytes.byteLength;
  return data.length ?? byteLengthOf(dtype, countOf(dims)) ?? 0;
};

/** What to fetch: in the order of the files, near ones together. */
export const rangesOf = (tensors: readonly StageTensor[], gap: number): readonly ByteRange[] => {
  const places = tensors.flatMap(({ place, length }) =>
    place.kind === 'file' && length > 0 ? [{ location: place.location, offset: place.offset, length }] : [],
  );
  places.sort(comparePlaces);
  const ranges: ByteRange[] = [];
  for (const place of places) {
    const last = ranges.at(-1);
    const end = last === undefined ? 0 : last.offset + last.length;
    const whole = Math.max(end, place.offset + place.length) - (last?.offset ?? 0);
    const isNear = last?.location === place.location && place.offset <= end + gap;
    const isInside = isNear && place.offset + place.length <= end;
    if (last !== undefined && isNear && (isInside || place.offset < end || whole <= longestRange))
      ranges[ranges.length - 1] = { ...last, length: whole };
    else ranges.push(place);
  }
  return ranges;
};
/** One request, and one buffer while it is taken apart; only a larger tensor makes a longer one. */
const longestRange = 64 * 1024 * 1024;

type Place = Pick<ByteRange, 'location' | 'offset'>;

export const comparePlaces = (a: Place, b: Place): number => {
  const [one, other] = [a.location ?? '', b.location ?? ''];
  return one === other ? a.offset - b.offset : one < other ? -1 : 1;
};

/** Of tensors that two names share, once. */
export const bytesOfAll = (tensors: readonly StageTensor[]): number => {
  const shared = new Map<string, number>();
  let inline = 0;
  for (const { place, length } of tensors)
    if (place.kind === 'inline') inline += length;
    else {
      const key = JSON.stringify([place.location, place.offset]);
      shared.set(key, Math.max(shared.get(key) ?? 0, length));
    }
  return inline + [...shared.values()].reduce((sum, length) => sum + length, 0);
};

/** Where bytes can stay in their file. */
export const isLazy = ({ data }: Tensor): boolean => data.kind === 'slice' || data.kind === 'external';

/** Why the bytes can't be told as ranges of files: slices of several sources, or tensors where no range is kept. */
export const checkPlaces = (model: Model): Result<void, OnnxFault> => {
  const sources = new Set<ByteSource>();
  mapInitializers(model, (tensor) => {
    if (tensor.data.kind === 'slice') sources.add(tensor.data.source);
    return tensor;
  });
  if (sources.size > 1)
    return err(
      onnxFault(
        'unsupported',
        `the weights lie in ${sources.size} sources: write the model to a file and read that`,
      ),
    );
  const waiting: (Graph | Model['functions'][number])[] = [model.graph, ...model.functions];
  for (let body = waiting.pop(); body !== undefined; body = waiting.pop())
    for (const node of body.nodes) {
      const lazy = Object.values(node.attributes).flatMap(tensorsIn).find(isLazy);
      if (lazy !== undefined) {
        const message = `${node.op} "${describeNode(node)}" has a tensor that is not in memory: only initializers stay in a file`;
        return err(onnxFault('unsupported', message, describeNode(node)));
      }
      waiting.push(...graphsOf(node));
    }
  return ok(undefined);
};

const tensorsIn = (attribute: Attribute): readonly Tensor[] =>
  attribute.type === 'tensor' ? [attribute.value] : attribute.type === 'tensors' ? attribute.value : [];
