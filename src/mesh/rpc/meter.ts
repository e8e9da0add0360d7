import { milliseconds } from '../../core/brand.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { CancelTimer } from '../../core/ports/timers.ts';
import type { Deadlines } from './deadlines.ts';

/**
 * The numbers of RPC, said many at a time. A call is over in a fifth of a millisecond, and between two messages other
 * processes have had the processor: to say each number when it is known cost several percent of a storm of calls, most of it
 * for code and data that were in no cache any more. Doesn't know what a call is.
 */
export interface RpcMeter {
  sent(bytes: number): void;
  received(bytes: number): void;
  /** A call that was made here is over. */
  called(method: string, outcome: string, seconds: number): void;
  /** One that was made elsewhere. */
  served(method: string, outcome: string, seconds: number): void;
  /** Says what has not been said; what comes now is said at once. */
  close(): void;
}

type Histogram = 'rpc_seconds' | 'rpc_served_seconds';
type Sample = {
  readonly name: Histogram;
  readonly method: string;
  readonly outcome: string;
  readonly seconds: number;
};

const sayEvery = milliseconds(250);
/** Or as soon as so many calls are over: what waits is bounded, and so many in a row are as cheap as more. */
const maxSamples = 250;

export const createRpcMeter = (deps: {
  readonly telemetry: Telemetry;
  readonly deadlines: Deadlines;
}): RpcMeter => {
  const { telemetry, deadlines } = deps;
  const bytes = { in: 0, out: 0 };
  let samples: Sample[] = [];
  let unsay: CancelTimer | undefined;
  let isClosed = false;

  const sayBytes = (direction: 'in' | 'out') => {
    if (bytes[direction] > 0) telemetry.count('rpc_bytes_total', bytes[direction], { direction });
    bytes[direction] = 0;
  };
  const say = () => {
    unsay?.();
    unsay = undefined;
    sayBytes('out');
    sayBytes('in');
    const said = samples;
    samples = [];
    for (const { name, method, outcome, seconds } of said)
      telemetry.observe(name, seconds, { method, outcome });
  };
  const sayLater = () => {
    if (isClosed) say();
    else unsay = deadlines.after(sayEvery, say);
  };
  const add = (name: Histogram, method: string, outcome: string, seconds: number) => {
    samples.push({ name, method, outcome, seconds });
    if (samples.length >= maxSamples) say();
    else if (!unsay) sayLater();
  };

  return {
    sent(length) {
      bytes.out += length;
      if (!unsay) sayLater();
    },
    received(length) {
      bytes.in += length;
      if (!unsay) sayLater();
    },
    called: (method, outcome, seconds) => add('rpc_seconds', method, outcome, seconds),
    served: (method, outcome, seconds) => add('rpc_served_seconds', method, outcome, seconds),
    close() {
      isClosed = true;
      say();
    },
  };
};
