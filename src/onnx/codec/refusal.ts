import { err, ok, type Result } from '../../core/result.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';

/** Carries a fault out of nested reading. Never leaves the codec: `attempt` and `attemptAsync` make a result of it. */
export class Refusal extends Error {
  readonly fault: OnnxFault;
  constructor(fault: OnnxFault) {
    super(fault.message);
    this.fault = fault;
  }
}

export const refuse = (code: OnnxFault['code'], message: string, node?: string): Refusal =>
  new Refusal(onnxFault(code, message, node));

export const attempt = <T>(work: () => T): Result<T, OnnxFault> => {
  try {
    return ok(work());
  } catch (cause) {
    return refused(cause);
  }
};

export const attemptAsync = async <T>(work: () => Promise<T>): Promise<Result<T, OnnxFault>> => {
  try {
    return ok(await work());
  } catch (cause) {
    return refused(cause);
  }
};

/** What is refused while `node` is worked on is that node's fault, unless it knows a closer one. */
export const atNode = <T>(node: string, work: () => T): T => {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof Refusal) || cause.fault.node !== undefined) throw cause;
    throw refuse(cause.fault.code, `${node}: ${cause.fault.message}`, node);
  }
};

const refused = (cause: unknown): Result<never, OnnxFault> => {
  if (cause instanceof Refusal) return err(cause.fault);
  throw cause;
};
