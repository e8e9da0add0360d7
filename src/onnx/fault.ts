import { type Fault, fault } from '../core/result.ts';

/**
 * Why a model can't be read, checked or changed. `malformed`: the bytes are no such file. `too-large`: beyond a limit that the
 * message names. `invalid`: it is a file, and what it says breaks ONNX's rules. `unsupported`: right, but more than this code
 * knows. `missing`: data that lies elsewhere and isn't there.
 */
export type OnnxFault = Fault<'malformed' | 'too-large' | 'invalid' | 'unsupported' | 'missing'> & {
  /** Where, if it is at one: the node's name, or its operator and first output. */
  readonly node?: string;
};

export const onnxFault = (code: OnnxFault['code'], message: string, node?: string): OnnxFault => ({
  ...fault(code, message),
  ...(node === undefined ? {} : { node }),
});
