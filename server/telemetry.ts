import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Timers } from '../src/core/ports/timers.ts';
import { createNodeClock, createNodeRandom } from '../src/platform/node/index.ts';
import { openAlertRelay } from './alerts/relay.ts';
import type { ServerConfig } from './config.ts';
import type { DynamicPage } from './http.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { createOtlpRelay, type OtlpConfig } from './otlp/relay.ts';
import { traceRequest } from './otlp/requestSpans.ts';
import type { PostRoute } from './posts.ts';

/**
 * What this host does with what its tabs have measured, where its operator has named somebody who wants it: spans go to a
 * collector, alerts to a webhook, Slack and e-mail. Tells tabs what there is, never where it leads.
 */
export const openTelemetryDesk = (
  { otlp: otlpConfig, alerts: alertConfig }: Pick<ServerConfig, 'otlp' | 'alerts'>,
  deps: { readonly log: Log; readonly metrics: Metrics; readonly timers: Timers },
) => {
  const { log, metrics, timers } = deps;
  const otlp = otlpConfig && openOtlp(otlpConfig, timers, metrics);
  const alerts = openAlertRelay(
    {
      clock: createNodeClock(),
      timers,
      log,
      count: (outcome) => metrics.count('aivillage_alerts_total', outcome),
    },
    alertConfig,
    { host: hostname() },
  );
  const offered = `${JSON.stringify({ collector: otlp !== undefined, channels: alerts?.channels ?? [] })}\n`;
  const page: DynamicPage = () => ({
    status: 200,
    type: 'application/json; charset=utf-8',
    body: offered,
  });
  const routes: Readonly<Record<string, PostRoute>> = {
    ...(otlp ? { '/telemetry/traces': otlp.route } : {}),
    ...(alerts ? { '/telemetry/alerts': alerts.route } : {}),
  };
  return {
    pages: { '/telemetry': page },
    routes,
    trace: otlp && ((...exchange: TracedExchange) => traceRequest(otlp.span, ...exchange)),
    async close() {
      alerts?.close();
      await otlp?.close();
    },
  };
};

type TracedExchange = Parameters<typeof traceRequest> extends [unknown, ...infer Rest] ? Rest : never;

const openOtlp = (config: OtlpConfig, timers: Timers, metrics: Metrics) => {
  const relay = createOtlpRelay(
    { clock: createNodeClock(), timers, random: createNodeRandom(), fetch },
    config,
    { instance: randomUUID() },
  );
  metrics.gauge('aivillage_otlp_spans_waiting', () => relay.stats().waiting);
  metrics.gauge('aivillage_otlp_spans_sent', () => relay.stats().sent);
  metrics.gauge('aivillage_otlp_spans_dropped', () => {
    const { full, refused, unreachable } = relay.stats().dropped;
    return full + refused + unreachable;
  });
  return relay;
};
