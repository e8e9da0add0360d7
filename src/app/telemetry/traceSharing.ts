import * as v from 'valibot';
import { createBoundedMap } from '../../core/boundedMap.ts';
import { type Milliseconds, milliseconds, type PeerId } from '../../core/brand.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
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
const keptTraces = 20;
const mostPeers = 32;

/** Joins the parts of a trace that ran in other tabs. Doesn't know what a trace is about. */
export const createTraceSharing = (deps: {
  readonly rpc: Pick<Rpc, 'call' | 'handle'>;
  readonly telemetry: Pick<Telemetry, 'log'>;
  readonly spansOf: (traceId: string) => Promise<readonly SpanRecord[]>;
  readonly mayTell: () => boolean;
  readonly nameOf: (peer: PeerId) => string | undefined;
}) => {
  const { rpc, telemetry } = deps;
  const told = createBoundedMap<string, readonly SpanRecord[]>(keptTraces);

  const stop = rpc.handle(spansMethod, async ({ trace }, { from }) => {
    const spans = deps.mayTell() ? doneFor(from, await deps.spansOf(trace)) : [];
    if (spans.length === 0)
      return err(fault('refused', 'this tab knows nothing of that trace that is yours'));
    return ok({ spans: textOf(spans) });
  });

  const ask = async (peer: PeerId, traceId: string): Promise<readonly SpanRecord[]> => {
    const answer = await rpc.call(peer, spansMethod, { trace: traceId }, { deadline: patience });
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
