import { meanOf } from '../signals.ts';
import { countOf, number, percent, quoted, seconds } from '../words.ts';
import { confidenceOf, hour, inHour, inRecent, type Rule, recent } from './rule.ts';

const leastTasks = 50;

/** Work that was done twice because the first node was slow. */
export const hedgingRule: Rule = (signals) => {
  const done = signals.increase('inference_accepted_total', recent);
  const hedged = signals.increase('inference_hedged_total', recent);
  const share = hedged / done;
  if (done < leastTasks || hedged < 10 || share < 0.1) return [];
  const mean = meanOf(signals.distribution('inference_task_seconds', recent));
  return [
    {
      id: 'hedging',
      title: 'Much work is done twice because nodes are slow',
      action:
        'Look in the map for the peers that answer last, and share with fewer, faster ones; for short jobs choose this device only.',
      evidence: [
        `Hedged tasks were ${percent(share)} of work: ${number(hedged)} of ${countOf(done, 'task')} ${inRecent}.`,
        ...(mean === undefined ? [] : [`A task takes ${seconds(mean)} on average.`]),
      ],
      expectedGain:
        mean === undefined
          ? `Up to ${countOf(hedged, 'task')} in 6 hours that need not be done twice.`
          : `Up to ${seconds(hedged * mean)} of work in 6 hours that need not be done twice.`,
      confidence: confidenceOf(done, leastTasks),
    },
  ];
};

/** Work that was taken from nodes that left or fell silent. */
export const reassignedRule: Rule = (signals) => {
  const done = signals.increase('inference_accepted_total', recent);
  const reassigned = signals.increase('inference_reassigned_total', recent);
  const share = reassigned / done;
  if (done < leastTasks || reassigned < 10 || share < 0.1) return [];
  const mean = meanOf(signals.distribution('inference_task_seconds', recent));
  return [
    {
      id: 'reassigned',
      title: 'Nodes give up many tasks before they are done',
      action:
        'Keep the tabs that help in the foreground and their devices plugged in; leave out devices that sleep.',
      evidence: [
        `${number(reassigned)} tasks were given to another node, beside ${countOf(done, 'task')} that were done (${percent(share)}) ${inRecent}.`,
      ],
      expectedGain:
        mean === undefined
          ? `Up to ${countOf(reassigned, 'task')} in 6 hours that need not begin again.`
          : `Up to ${seconds(reassigned * mean)} in 6 hours that tasks need not begin again, at ${seconds(mean)} a task.`,
      confidence: confidenceOf(done, leastTasks),
    },
  ];
};

/** Tasks of others that wait here longer than they take. */
export const queueRule: Rule = (signals) => {
  const waits = signals.distribution('inference_queue_seconds', recent);
  const works = signals.distribution('inference_task_seconds', recent, ({ where }) => where !== 'peer');
  const waited = meanOf(waits);
  const worked = meanOf(works);
  if (!waits || !works || waited === undefined || worked === undefined) return [];
  if (waits.count < leastTasks || works.count < leastTasks || waited < 0.1 || waited < worked) return [];
  return [
    {
      id: 'queue',
      title: 'Tasks wait here longer than they take',
      action:
        'Lend more cores or take fewer tasks at a time, in Settings, so that others give theirs to idle nodes.',
      evidence: [
        `${countOf(waits.count, 'task')} waited ${seconds(waited)} on average ${inRecent}.`,
        `A task takes ${seconds(worked)} here.`,
      ],
      expectedGain: `Up to ${percent(waited / (waited + worked))} of the time until an answer.`,
      confidence: confidenceOf(Math.min(waits.count, works.count), leastTasks),
    },
  ];
};

/** Workers that crash or hang. */
export const workersRule: Rule = (signals) =>
  signals.valuesOf('worker_call_seconds', 'pool').flatMap((pool) => {
    const ofPool = (labels: { readonly [label: string]: string }) => labels['pool'] === pool;
    const calls = signals.distribution('worker_call_seconds', recent, ofPool);
    const crashed = signals.increase('workers_crashed_total', recent, ofPool);
    const stuck = signals.increase('workers_stuck_total', recent, ofPool);
    const lost = crashed + stuck;
    const mean = meanOf(calls);
    if (!calls || mean === undefined || calls.count < 20 || lost < 3 || lost / calls.count < 0.01) return [];
    return [
      {
        id: `workers:${pool}`,
        title: `Workers of ${quoted(pool)} keep failing`,
        action:
          stuck > crashed
            ? 'Lend fewer cores, in Settings: workers that share too few give no sign of life.'
            : 'Close other tabs or lend fewer cores, in Settings: workers most often crash for want of memory.',
        evidence: [
          `${number(crashed)} crashed and ${number(stuck)} gave no sign of life, in ${countOf(calls.count, 'call')} ${inRecent}.`,
        ],
        expectedGain: `${countOf(lost, 'call')} of ${seconds(mean)} on average that need not fail or begin again.`,
        confidence: confidenceOf(lost, 3),
      },
    ];
  });

/** A GPU that is lost again and again costs more than it brings. */
export const gpuRule: Rule = (signals) => {
  const lost = signals.increase('gpu_lost_total', hour);
  if (lost < 3) return [];
  const load = signals.distribution('model_open_seconds', 24 * hour)?.quantile(0.5);
  return [
    {
      id: 'gpu-lost',
      title: `The GPU was lost ${countOf(lost, 'time')} in an hour: use WASM`,
      action:
        'Switch the GPU off in Settings until its driver or the browser is updated; WebAssembly goes on.',
      evidence: [
        `The GPU was lost ${countOf(lost, 'time')} ${inHour}.`,
        ...(load === undefined ? [] : [`Opening a model takes ${seconds(load)} (median).`]),
      ],
      expectedGain:
        load === undefined
          ? `${countOf(lost, 'interruption')} an hour less.`
          : `${countOf(lost, 'interruption')} and at least ${seconds(lost * load)} of opening models an hour less.`,
      confidence: confidenceOf(lost, 3),
    },
  ];
};

/** A cache that is asked for what it has not. */
export const cacheRule: Rule = (signals) =>
  signals.valuesOf('cache_misses_total', 'cache').flatMap((cache) => {
    const ofCache = (labels: { readonly [label: string]: string }) => labels['cache'] === cache;
    const hits = signals.increase('cache_hits_total', 24 * hour, ofCache);
    const misses = signals.increase('cache_misses_total', 24 * hour, ofCache);
    const share = misses / (hits + misses);
    if (hits + misses < 20 || share < 0.5) return [];
    const saved = cache === 'models' ? secondsPerMiss(signals) : undefined;
    return [
      {
        id: `cache:${cache}`,
        title: `The cache of ${cache} seldom has what is looked for`,
        action:
          'Give the page more room (Storage panel), let the browser keep it, and avoid private windows.',
        evidence: [
          `${number(misses)} of ${countOf(hits + misses, 'look-up')} missed (${percent(share)}) in the last 24 hours.`,
          ...(saved === undefined ? [] : [`A miss takes ${seconds(saved)} longer than a hit.`]),
        ],
        expectedGain:
          saved === undefined
            ? `Up to ${countOf(misses, 'fetch').replace(/fetchs$/, 'fetches')} a day less.`
            : `Up to ${seconds(misses * saved)} a day.`,
        confidence: confidenceOf(hits + misses, 20),
      },
    ];
  });

const secondsPerMiss = (signals: Parameters<Rule>[0]): number | undefined => {
  const loaded = (from: 'storage' | 'network') =>
    signals.distribution('model_load_seconds', 24 * hour, (labels) => labels['from'] === from);
  const stored = loaded('storage');
  const fetched = loaded('network');
  if (!stored || !fetched || stored.count < 5 || fetched.count < 5) return undefined;
  const difference = fetched.sum / fetched.count - stored.sum / stored.count;
  return difference > 0 ? difference : undefined;
};
