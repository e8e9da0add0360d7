/** A tab of the storm: RPC over the product's link, with telemetry as the product makes it. Told by `rpc.ts`. */
import { milliseconds, type PeerId } from '../../src/core/brand.ts';
import { createEmitter } from '../../src/core/events.ts';
import { ok } from '../../src/core/result.ts';
import { createRpc } from '../../src/mesh/rpc/rpc.ts';
import { createTelemetry, createTracer } from '../../src/observability/index.ts';
import { createBrowserRandom } from '../../src/platform/browser/random.ts';
import { openBrowserStore } from '../../src/platform/browser/storage.ts';
import { echoMethod, transportOver } from '../link/echo.ts';
import type { PathName } from '../link/page.ts';
import { clock, openLink, timers } from '../link/paths.ts';

/** Text between the two tabs until they are connected; the bench carries it. */
declare const sendSignal: (path: PathName, text: string) => void;

export type Storm = {
  readonly calls: number;
  readonly concurrency: number;
  /** Every call names the span of the round as its parent. */
  readonly traced: boolean;
};

const other = 'other-tab-whose-id-is-as-long-as-a-peer-s-id' as PeerId;
const deadline = milliseconds(10_000);
/** RPC says its numbers a quarter of a second late at most. */
const untilSaid = () => new Promise<void>((resolve) => timers.after(milliseconds(750), resolve));

const signals = createEmitter<string>();

const open = async (initiator: boolean) => {
  const telemetry = createTelemetry({ clock, random: createBrowserRandom(), createTracer });
  const store = await openBrowserStore('bench-telemetry', { onGivenWay() {} });
  await telemetry.keepIn({ store, timers, tab: initiator ? 'here' : 'there' });
  const signal = (text: string) => sendSignal('link', text);
  const { link } = await openLink({ signal, signals: signals.subscribe }, initiator);
  const rpc = createRpc(transportOver(link, other), { clock, timers, telemetry });
  rpc.handle(echoMethod, async (input) => ok(input));
  const message = new Uint8Array(64).fill(7);

  return {
    setTelemetry(on: boolean): void {
      telemetry.setParts({ metrics: on, traces: on, logs: on });
    },
    /** In milliseconds. Rejects if an answer is not what was sent. */
    async storm({ calls, concurrency, traced }: Storm): Promise<number> {
      const started = performance.now();
      const round = telemetry.span('bench.round');
      const trace = traced ? round.context : undefined;
      let left = calls;
      const callByCall = async () => {
        while (left-- > 0) {
          const answer = await rpc.call(other, echoMethod, message, { deadline, trace });
          if (!answer.ok) throw new Error(`a call failed: ${answer.error.message}`);
          if (answer.value.byteLength !== message.byteLength)
            throw new Error('the echo is not what was sent');
        }
      };
      await Promise.all(Array.from({ length: concurrency }, callByCall));
      round.end();
      return performance.now() - started;
    },
    /** What of the calls was measured in this tab: to be compared with how many there were. */
    async measured() {
      await untilSaid();
      return {
        called: telemetry.metrics.value('rpc_seconds', { method: echoMethod.name, outcome: 'ok' }),
        served: telemetry.metrics.value('rpc_served_seconds', { method: echoMethod.name, outcome: 'ok' }),
        spans: telemetry.traces.traces.get().reduce((sum, { spans }) => sum + spans, 0),
        dropped: telemetry.dropped(),
      };
    },
  };
};

export type StormTab = Awaited<ReturnType<typeof open>>;

Object.assign(globalThis, {
  openTab: async (initiator: boolean) => {
    Object.assign(globalThis, { tab: await open(initiator) });
  },
  acceptSignal: (_path: PathName, text: string) => signals.emit(text),
});
