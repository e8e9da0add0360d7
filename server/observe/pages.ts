import type { HealthMonitor } from '../../src/observability/health/monitor.ts';
import type { DynamicPage } from '../http.ts';
import type { Metrics } from '../metrics.ts';
import { healthSummary } from './health.ts';

export const jsonPage = (status: number, body: unknown): ReturnType<DynamicPage> => ({
  status,
  type: 'application/json; charset=utf-8',
  body: `${JSON.stringify(body)}\n`,
});

export const metricsPage =
  (metrics: Metrics): DynamicPage =>
  () => ({ status: 200, type: metrics.contentType, body: metrics.render() });

/**
 * Liveness: as long as this can be answered, a restart mends nothing. So its status is 200 whatever the checks find; those are
 * for people and for rules.
 */
export const healthPage =
  (health: HealthMonitor, more: () => Readonly<Record<string, unknown>>): DynamicPage =>
  () =>
    jsonPage(200, { status: 'ok', ...more(), ...healthSummary(health.report.get()) });
