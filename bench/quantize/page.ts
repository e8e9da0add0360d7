/** Workers by name, and calls of them: the page itself does nothing. */
import { type Remote, wrap } from 'comlink';
import type { Decoder } from './decoder.worker.ts';
import type { Quantizer } from './quantizer.worker.ts';

export type Token = { readonly ms: number; readonly relativeError: number };

const decoders = new Map<string, Remote<Decoder>>();
let worker: Worker | undefined;

const page = {
  /** A worker of its own for each call that asks for one: what the last one left is gone. */
  newQuantizer(): void {
    page.endQuantizer();
    worker = new Worker(new URL('./quantizer.worker.ts', import.meta.url), { type: 'module' });
    Object.assign(globalThis, { quantizer: wrap<Quantizer>(worker) });
  },
  endQuantizer(): void {
    worker?.terminate();
    worker = undefined;
  },
  async openDecoder(file: string, shape: { kvHeads: number; headSize: number }): Promise<void> {
    const opened = new Worker(new URL('./decoder.worker.ts', import.meta.url), { type: 'module' });
    const decoder = wrap<Decoder>(opened);
    await decoder.open(file, shape);
    decoders.set(file, decoder);
  },
  /** The same token to each, one after the other. Errors are those of the logits, against those of `exact`. */
  async stepAll(files: readonly string[], token: number, exact: string): Promise<Record<string, Token>> {
    const found: [string, { ms: number; logits: Float32Array }][] = [];
    for (const file of files) {
      const decoder = decoders.get(file);
      if (!decoder) throw new Error(`no decoder of ${file}`);
      found.push([file, await decoder.step(token)]);
    }
    const expected = found.find(([file]) => file === exact)?.[1].logits;
    if (!expected) throw new Error(`${exact} was not asked`);
    return Object.fromEntries(
      found.map(([file, { ms, logits }]) => [file, { ms, relativeError: distance(logits, expected) }]),
    );
  },
};
export type QuantizePage = typeof page;

const distance = (values: Float32Array, expected: Float32Array): number => {
  let [squares, norm] = [0, 0];
  expected.forEach((value, i) => {
    squares += (value - (values[i] ?? Number.NaN)) ** 2;
    norm += value ** 2;
  });
  return Math.sqrt(squares / norm);
};

Object.assign(globalThis, { quantizePage: page });
