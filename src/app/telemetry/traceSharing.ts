import * as v from 'valibot';
import { createBoundedMap } from '../../core/boundedMap.ts';
import { type Milliseconds, milliseconds, type PeerId } from '../../core/brand.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { Timers } from '../../core/ports/timers.ts';
import { err, fault, ok } from '../../core/result.ts';
import type { Method, Rpc } from '../../mesh/index.ts';
import { parseSpanRecord, type SpanRecord } from '../../observability/index.ts';

/**
 * What a peer did for a trace of ours, told by that peer: JSON, because a span may lack fields and CBOR here has no undefined.
 *
 *   telemetry.spans   trace id → JSON list of spans, at most `most` of them
 *
 * Only who began the work gets them: the trace id is 128 bits that nobody else knows, and the one who asks must be the peer that
 * the asked tab has worked for in it.
 */
const sharingLimits = { most: 300, maxText: 400_000 } as const;
export const spansMethod: Method<{ readonly trace: string }, { readonly spans: string }, null> = {
  name: 'telemetry.spans',
  input: v.object({ trace: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)) }),
  output: v.object({ spans: v.pipe(v.string(), v.maxLength(sharingLimits.maxText)) }),
  progress: v.null(),
  priority: 'bulk',
};
const patience: Milliseconds = milliseconds(3_000);
/**
 * A look reads and parses all spans that are stored, a twentieth of a second of this tab's time, and costs who asks for it nothing. So a
 * peer gets so many at once, as somebody's who looks at a job that runs, and then one a second.
 */
const looks = { burst: 60, everyMs: 1_000, peers: 4_096 } as const;
const askAgainAfter: Milliseconds = milliseconds(1.5 * looks.everyMs);
const keptTraces = 20;
const mostPeers = 32;

/** Joins the parts of a trace that ran in other tabs. Doesn't know what a trace is about. */
export const createTraceSharing = (deps: {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly timers: Pick<Timers, 'after'>;
  readonly rpc: Pick<Rpc, 'call' | 'handle'>;
  readonly telemetry: Pick<Telemetry, 'log'>;
  readonly spansOf: (traceId: string) => Promise<readonly SpanRecord[]>;
  readonly mayTell: () => boolean;
  readonly nameOf: (peer: PeerId) => string | undefined;
}) => {
  const { rpc, telemetry } = deps;
  const told = createBoundedMap<string, readonly SpanRecord[]>(keptTraces);
  const mayLook = createLookLimit(deps.clock);

  const stop = rpc.handle(spansMethod, async ({ trace }, { from }) => {
    if (!mayLook(from)) return err(fault('overloaded', 'spans were asked for too often: try again later'));
    const spans = deps.mayTell() ? doneFor(from, await deps.spansOf(trace)) : [];
    if (spans.length === 0)
      return err(fault('refused', 'this tab knows nothing of that trace that is yours'));
    return ok({ spans: textOf(spans) });
  });

  const call = (peer: PeerId, trace: string) =>
    rpc.call(peer, spansMethod, { trace }, { deadline: patience });
  const again = new Map<string, ReturnType<typeof call>>();
  /** Once, and together for all who look on: the last of them must get what the peer has done by then. */
  const callAgain = (peer: PeerId, trace: string): ReturnType<typeof call> => {
    const key = `${peer} ${trace}`;
    const known = again.get(key);
    if (known) return known;
    const answer = new Promise<void>((resolve) => void deps.timers.after(askAgainAfter, resolve)).then(() => {
      again.delete(key);
      return call(peer, trace);
    });
    again.set(key, answer);
    return answer;
  };
  const patientCall = async (peer: PeerId, trace: string): ReturnType<typeof call> => {
    const waiting = again.get(`${peer} ${trace}`);
    if (waiting) return waiting;
    const answer = await call(peer, trace);
    return !answer.ok && answer.error.code === 'overloaded' ? callAgain(peer, trace) : answer;
  };
  const ask = async (peer: PeerId, traceId: string): Promise<readonly SpanRecord[]> => {
    const answer = await patientCall(peer, traceId);
    if (!answer.ok) {
      telemetry.log('debug', 'telemetry', `no part of a trace: ${answer.error.message}`, { peer });
      return [];
    }
    const node = deps.nameOf(peer) ?? peer.slice(0, 8);
    return readSpans(answer.value.spans, traceId).map((span) => ({
      ...span,
      fields: { ...span.fields, node },
    }));
  };

  return {
    /** Ours and those of the peers that worked in it, as far as they are here and answer. */
    async whole(traceId: string): Promise<readonly SpanRecord[]> {
      const own = await deps.spansOf(traceId);
      const peers = new Set<PeerId>();
      for (const { kind, fields } of own)
        if (kind === 'client' && typeof fields['peer'] === 'string') peers.add(fields['peer'] as PeerId);
      const known = told.get(traceId) ?? [];
      const asked = await Promise.all([...peers].slice(0, mostPeers).map((peer) => ask(peer, traceId)));
      const byId = new Map([...known, ...asked.flat()].map((span) => [span.context.spanId, span]));
      // Nobody may rewrite what this tab has measured itself.
      for (const span of own) byId.delete(span.context.spanId);
      const others = [...byId.values()];
      if (others.length > 0) told.set(traceId, others);
      return [...own, ...others];
    },
    close: stop,
  };
};

/** Whether one more look is taken for that peer. Counts it. */
const createLookLimit = (clock: Pick<Clock, 'monotonic'>) => {
  const buckets = createBoundedMap<PeerId, { readonly tokens: number; readonly at: number }>(looks.peers);
  return (peer: PeerId): boolean => {
    const now = clock.monotonic();
    const { tokens, at } = buckets.get(peer) ?? { tokens: looks.burst, at: now };
    const left = Math.min(looks.burst, tokens + (now - at) / looks.everyMs);
    buckets.set(peer, { tokens: left >= 1 ? left - 1 : left, at: now });
    return left >= 1;
  };
};

/** What was done for that peer, and what that called: a trace id that somebody passed on shows nothing of others' work. */
const doneFor = (peer: PeerId, spans: readonly SpanRecord[]): readonly SpanRecord[] => {
  const byId = new Map(spans.map((span) => [span.context.spanId, span]));
  const verdicts = new Map<string, boolean>();
  const isTheirs = (span: SpanRecord): boolean => {
    const path = new Set<string>();
    let theirs = false;
    for (let at: SpanRecord | undefined = span; at; at = byId.get(at.parentId ?? '')) {
      const { spanId } = at.context;
      const known = verdicts.get(spanId);
      if (known !== undefined || path.has(spanId)) {
        theirs = known ?? false;
        break;
      }
      path.add(spanId);
      if (at.kind === 'server') {
        theirs = at.fields['peer'] === peer;
        break;
      }
    }
    for (const spanId of path) verdicts.set(spanId, theirs);
    return theirs;
  };
  return spans.filter(isTheirs);
};

const textOf = (spans: readonly SpanRecord[]): string => {
  for (let most: number = sharingLimits.most; most >= 1; most = Math.floor(most / 2)) {
    const text = JSON.stringify(spans.slice(0, most));
    if (text.length <= sharingLimits.maxText) return text;
  }
  return '[]';
};

const readSpans = (text: string, traceId: string): readonly SpanRecord[] => {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(list)) return [];
  return list
    .slice(0, sharingLimits.most)
    .flatMap((item) => parseSpanRecord(item) ?? [])
    .filter(({ context }) => context.traceId === traceId);
};
