/**
 * What a tab tells its swarm of its own measurements, version 1: one CBOR map on the topic `vitals`, about once a minute, and
 * only after its person has said yes.
 *
 *   v 1
 *   s window in seconds that the sketches cover
 *   m list of { n: name, d: sketch }   names of the list below only; sketches as src/observability/metrics encodes them
 *
 * Numbers of a few distributions and nothing else: no label, so no peer, no room, no person, no content. Who sent it is known from
 * the broadcast's own signature, as the swarm knows everybody who is in it.
 */
import * as v from 'valibot';
import { type CborValue, encodeCbor } from '../../core/codec.ts';
import type { Fault, Result } from '../../core/result.ts';
import { err, fault, ok } from '../../core/result.ts';
import { decodeWith } from '../../core/schema.ts';
import { decodeSketch, type Sketch } from '../../observability/index.ts';
import { maxVitalsBytes } from './swarmTopic.ts';

export const sharedMetrics = [
  'rpc_seconds',
  'mesh_rtt_seconds',
  'mesh_link_open_seconds',
  'broadcast_delay_seconds',
  'inference_job_seconds',
  'inference_task_seconds',
  'worker_call_seconds',
  'main_thread_lag_seconds',
] as const;
export type SharedMetric = (typeof sharedMetrics)[number];

export const vitalsLimits = {
  maxBytes: maxVitalsBytes,
  maxDepth: 6,
  maxWindowSeconds: 86_400,
  maxSamples: 1_000_000,
} as const;

const messageSchema = v.object({
  v: v.literal(1),
  s: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(vitalsLimits.maxWindowSeconds)),
  m: v.pipe(
    v.array(v.object({ n: v.picklist(sharedMetrics), d: v.instance(Uint8Array) })),
    v.maxLength(sharedMetrics.length),
  ),
});

export type SwarmVitals = {
  readonly windowSeconds: number;
  readonly sketches: ReadonlyMap<SharedMetric, Sketch>;
};

export const encodeVitals = ({ windowSeconds, sketches }: SwarmVitals): Uint8Array =>
  encodeCbor({
    v: 1,
    s: windowSeconds,
    m: [...sketches].map(([n, sketch]) => ({ n, d: sketch.encode() })),
  } as unknown as CborValue);

export const decodeVitals = (bytes: Uint8Array): Result<SwarmVitals, Fault<'malformed'>> => {
  const decoded = decodeWith(messageSchema, bytes, vitalsLimits);
  if (!decoded.ok) return err(fault('malformed', decoded.error.message));
  const sketches = new Map<SharedMetric, Sketch>();
  for (const { n, d } of decoded.value.m) {
    const sketch = decodeSketch(d);
    if (!sketch.ok) return err(fault('malformed', `${n}: ${sketch.error.message}`));
    // One tab's word must not drown all others': no honest one has so many samples in so short a time.
    if (sketch.value.count > vitalsLimits.maxSamples)
      return err(
        fault(
          'malformed',
          `${n}: ${sketch.value.count} samples, at most ${vitalsLimits.maxSamples} are believed`,
        ),
      );
    if (sketches.has(n)) return err(fault('malformed', `${n} is there twice`));
    sketches.set(n, sketch.value);
  }
  return ok({ windowSeconds: decoded.value.s, sketches });
};
