import { readdirSync } from 'node:fs';
import { constants, PerformanceObserver, performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Timers } from '../../src/core/ports/timers.ts';
import type { Metrics } from '../metrics.ts';
import { type EventLoopWatch, gaugeEventLoop, watchEventLoop } from './eventLoop.ts';
import { maxOpenFiles, memoryLimit } from './limits.ts';

export interface ProcessWatch {
  readonly loop: EventLoopWatch;
  readonly memoryLimit: number;
  close(): void;
}

/**
 * What Node says of this process, under the names of prom-client's default metrics where they mean the same. Doesn't know what
 * the process is for.
 */
export const watchProcess = (metrics: Metrics, timers: Timers, version: string): ProcessWatch => {
  const loop = watchEventLoop(timers);
  const limit = memoryLimit();
  gaugeEventLoop(metrics, loop);
  gaugeMemory(metrics, limit);
  gaugeProcess(metrics, version);
  const ends = [countProcessorTime(metrics), gaugeResources(metrics), observePauses(metrics), loop.close];
  return {
    loop,
    memoryLimit: limit,
    close() {
      for (const end of ends) end();
    },
  };
};

const gaugeMemory = ({ gauge }: Metrics, limit: number) => {
  gauge('process_resident_memory_bytes', () => process.memoryUsage.rss());
  gauge('nodejs_heap_size_total_bytes', () => process.memoryUsage().heapTotal);
  gauge('nodejs_heap_size_used_bytes', () => process.memoryUsage().heapUsed);
  gauge('nodejs_external_memory_bytes', () => process.memoryUsage().external);
  gauge('nodejs_heap_size_limit_bytes', () => getHeapStatistics().heap_size_limit);
  gauge('aivillage_memory_limit_bytes', () => limit);
};

const gaugeProcess = ({ gauge }: Metrics, version: string) => {
  const [major = '', minor = '', patch = ''] = process.versions.node.split('.');
  const node = process.version;
  gauge('process_start_time_seconds', () => Math.floor(performance.timeOrigin / 1_000));
  gauge('process_uptime_seconds', () => Math.round(process.uptime()));
  gauge('aivillage_time_seconds', () => Date.now() / 1_000);
  gauge('nodejs_version_info', () => 1, { major, minor, patch, version: node });
  gauge('aivillage_build_info', () => 1, { node, version });
  const files = maxOpenFiles();
  if (files === undefined) return;
  gauge('process_max_fds', () => files);
  gauge('process_open_fds', () => readdirSync('/proc/self/fd').length - 1); // one is the reading itself
};

const countProcessorTime = (metrics: Metrics): (() => void) => {
  let told = { user: 0, system: 0 };
  return metrics.onLook(() => {
    const used = process.cpuUsage();
    const user = (used.user - told.user) / 1e6;
    const system = (used.system - told.system) / 1e6;
    told = used;
    metrics.count('process_cpu_user_seconds_total', '', user);
    metrics.count('process_cpu_system_seconds_total', '', system);
    metrics.count('process_cpu_seconds_total', '', user + system);
  });
};

/** A kind that is gone stays at 0: its series ends with the process. */
const gaugeResources = ({ onLook, registry }: Metrics): (() => void) => {
  const seen = new Set<string>();
  return onLook(() => {
    const found = new Map<string, number>();
    for (const type of process.getActiveResourcesInfo()) found.set(type, (found.get(type) ?? 0) + 1);
    for (const type of found.keys()) seen.add(type);
    for (const type of seen) registry.gauge('nodejs_active_resources', found.get(type) ?? 0, { type });
  });
};

const pauseKinds: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};

const observePauses = (metrics: Metrics): (() => void) => {
  const observer = new PerformanceObserver((list) => {
    for (const { duration, detail } of list.getEntries()) {
      const kind = (detail as { readonly kind?: number } | undefined)?.kind;
      metrics.observe('nodejs_gc_duration_seconds', duration / 1_000, {
        kind: pauseKinds[kind ?? -1] ?? 'unknown',
      });
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => observer.disconnect();
};
