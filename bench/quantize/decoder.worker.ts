/** One model on ONNX Runtime's WebAssembly, one thread, a token at a time. */
import { expose } from 'comlink';
import { loadOrt, type OrtModule, runtimeAssets } from '../../src/compute/index.ts';
import { readWhole } from './files.ts';

type Session = Awaited<ReturnType<OrtModule['InferenceSession']['create']>>;
type OrtTensor = InstanceType<OrtModule['Tensor']>;
export type CacheShape = { readonly kvHeads: number; readonly headSize: number };

let decoder:
  | { readonly ort: OrtModule; readonly session: Session; past: Record<string, OrtTensor>; length: number }
  | undefined;

const api = {
  async open(file: string, { kvHeads, headSize }: CacheShape): Promise<void> {
    const ort = await loadOrt('wasm');
    ort.env.wasm.wasmPaths = { ...runtimeAssets.wasm };
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = 'error';
    const session = await ort.InferenceSession.create(await readWhole(file), {
      executionProviders: ['wasm'],
      logSeverityLevel: 3,
    });
    const empty = () => new ort.Tensor('float32', new Float32Array(), [1, kvHeads, 0, headSize]);
    const past = Object.fromEntries(
      session.inputNames.flatMap((name) => (name.startsWith('past_') ? [[name, empty()]] : [])),
    );
    decoder = { ort, session, past, length: 0 };
  },
  /** The run itself is timed; `logits` are of the last token. */
  async step(token: number): Promise<{ readonly ms: number; readonly logits: Float32Array }> {
    if (!decoder) throw new Error('no model is open');
    const { ort, session, past } = decoder;
    const length = decoder.length + 1;
    const long = (values: readonly number[]) =>
      new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
    const feeds = {
      ...past,
      input_ids: long([token]),
      attention_mask: long(Array<number>(length).fill(1)),
    };
    const started = performance.now();
    const outputs = await session.run(feeds);
    const ms = performance.now() - started;
    const next = Object.entries(outputs).flatMap(([name, tensor]) =>
      name.startsWith('present') ? [[name.replace('present', 'past_key_values'), tensor] as const] : [],
    );
    decoder.past = Object.fromEntries(next) as Record<string, OrtTensor>;
    decoder.length = length;
    const logits = outputs['logits']?.data;
    if (!(logits instanceof Float32Array)) throw new Error('the model gave no logits');
    return { ms, logits: logits.slice() };
  },
};
export type Decoder = typeof api;

expose(api);
