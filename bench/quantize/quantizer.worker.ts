/** Quantises models from file to file, as a worker of the product does, with a clock beside it. */
import { expose } from 'comlink';
import { unwrap } from '../../src/core/result.ts';
import type { DecoderSpec } from '../../src/onnx/build/decoder/spec.ts';
import {
  type Model,
  prepareQuantization,
  prepareReencoding,
  type Quantization,
  type QuantizationReport,
  type ReencodeTarget,
  readModel,
  runQuantization,
  type Scheme,
  verifyModel,
  writeModel,
} from '../../src/onnx/index.ts';
import { openForReading, writeFile } from './files.ts';
import { randomDecoder } from './randomModel.ts';
import { floatWeights, storedWeights } from './storedWeights.ts';

export type Quantized = {
  /** Of the whole: opened, read, computed, written, closed. */
  readonly ms: number;
  readonly report: QuantizationReport;
};
export type Stored = { readonly file: number; readonly weights: number; readonly largestTensor: number };
export type Checked = {
  /** Rules of ONNX that the file breaks. */
  readonly broken: readonly string[];
  readonly bytes: number;
  /** Norm of what a weight is off ÷ norm of the weight: by reading the file. */
  readonly relative: number;
};

const api = {
  async create(name: string, spec: DecoderSpec): Promise<Stored> {
    const model = randomDecoder(spec);
    unwrap(await writeFile(name, (write) => writeModel(model, write)));
    const { source, close } = await openForReading(name);
    close();
    const sizes = [...model.graph.initializers.values()].map(({ dims }) => dims.reduce((a, b) => a * b, 1));
    return {
      file: source.size,
      weights: sizes.reduce((a, b) => a + b, 0),
      largestTensor: 4 * Math.max(...sizes),
    };
  },
  quantize: (from: string, to: string, scheme: Scheme): Promise<Quantized> =>
    rewrite(from, to, (model) => unwrap(prepareQuantization(model, { scheme }, { breathe }))),
  reencode: (from: string, to: string, target: ReencodeTarget): Promise<Quantized> =>
    rewrite(from, to, (model) => unwrap(prepareReencoding(model, target, { breathe }))),
  /** `original` has the weight as floats, `name` in few bits. */
  async check(original: string, name: string, weight: string): Promise<Checked> {
    const files = [await openForReading(original), await openForReading(name)] as const;
    const [floats, stored] = [
      unwrap(await readModel(files[0].source)),
      unwrap(await readModel(files[1].source)),
    ];
    const broken = verifyModel(stored).map(({ message }) => message);
    const [expected, found] = [await floatWeights(floats, weight), await storedWeights(stored, weight)];
    let [squares, norm] = [0, 0];
    expected.forEach((value, i) => {
      squares += (value - (found[i] ?? Number.NaN)) ** 2;
      norm += value ** 2;
    });
    for (const { close } of files) close();
    return { broken, bytes: files[1].source.size, relative: Math.sqrt(squares / norm) };
  },
};
export type Quantizer = typeof api;

const rewrite = async (
  from: string,
  to: string,
  prepare: (model: Model) => Quantization,
): Promise<Quantized> => {
  const started = performance.now();
  const { source, close } = await openForReading(from);
  const prepared = prepare(unwrap(await readModel(source)));
  const report = unwrap(await writeFile(to, (write) => runQuantization(prepared, write)));
  close();
  return { ms: performance.now() - started, report };
};

/** A turn of the event loop: what a worker needs to hear that it is to stop. Timers would make it wait 4 ms. */
const turns = new MessageChannel();
const breathe = (): Promise<void> =>
  new Promise((resolve) => {
    turns.port2.onmessage = () => resolve();
    turns.port1.postMessage(0);
  });

expose(api);
