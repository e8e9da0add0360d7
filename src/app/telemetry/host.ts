import * as v from 'valibot';
import { parseWith } from '../../core/schema.ts';
import type { HostTelemetry } from '../telemetryView.ts';

const hostSchema = v.object({
  collector: v.boolean(),
  channels: v.array(v.picklist(['webhook', 'slack', 'email'])),
});
/** The browser's own, or a double: addresses are paths of this page's host. */
export type HostFetch = (url: string, init: RequestInit) => Promise<Response>;
const patienceMs = 20_000;

/** What this page's host takes: nothing, if it doesn't say. Undefined if it can't be asked now. */
export const askHost = async (fetch: HostFetch): Promise<HostTelemetry | undefined> => {
  const nothing: HostTelemetry = { collector: false, channels: [] };
  try {
    const answer = await fetch('/telemetry', { signal: AbortSignal.timeout(patienceMs) });
    if (answer.status >= 500) return undefined;
    const host = answer.ok ? parseWith(hostSchema, await answer.json().catch(() => undefined)) : undefined;
    return host?.ok ? host.value : nothing;
  } catch {
    return undefined;
  }
};

export type Posted = { readonly status: number; readonly retryAfterMs: number | undefined };

/** To this page's own host. Rejects if it can't be reached in time. */
export const postToHost = async (fetch: HostFetch, path: string, body: string): Promise<Posted> => {
  const answer = await fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body,
    signal: AbortSignal.timeout(patienceMs),
    // What is posted while the page is left still goes out, if it is small.
    keepalive: body.length < 60_000,
  });
  const seconds = Number(answer.headers.get('Retry-After') || Number.NaN);
  return { status: answer.status, retryAfterMs: Number.isFinite(seconds) ? seconds * 1_000 : undefined };
};
