import { figuresByFault, isPage, type Judged, judgeFaults, judgeNoise } from './judge.ts';
import type { Episode } from './watch.ts';

export type AlertsOptions = {
  readonly seed: number;
  readonly days: number;
  /** Devices that have each fault once. */
  readonly devices: number;
  /** So many outages of everything more, three to seven hours apart: what is promised of them is one miss in a thousand. */
  readonly outages: number;
  readonly json: boolean;
};

/** `npm run sim -- alerts`: a month of noise, and devices on which everything goes wrong once. */
export const reportAlerts = (
  { seed, days, devices, outages, json }: AlertsOptions,
  { print, seconds }: { readonly print: (line: string) => void; readonly seconds: () => number },
): boolean => {
  const begun = seconds();
  const noise = judgeNoise(seed, days);
  const falsePages = noise.filter(isPage).length;
  print(
    `${days} days of noise (seed ${seed}): ${falsePages} false pages, ${noise.length - falsePages} other false alerts`,
  );
  for (const episode of noise) print(`  ${lineOf(episode)}`);
  const judged = Array.from({ length: devices }, (_, each) => judgeFaults(seed + each));
  const summary = summarize(judged);
  const found = judgeOutages(seed, outages);
  for (const [name, { injected, found, median_s, worst_s }] of Object.entries(summary.faults))
    print(
      `  ${name.padEnd(20)} ${found} of ${injected} found${median_s === null ? '' : `, after ${median_s} s, at worst ${worst_s} s`}`,
    );
  for (const { seed: own, episode } of judged.flatMap(({ wrong }) => wrong))
    print(`  false (seed ${own}): ${lineOf(episode)}`);
  for (const { seed: own, episode } of judged.flatMap(({ late }) => late))
    print(`  too long (seed ${own}): ${lineOf(episode)}`);
  print(
    `precision ${summary.precision.toFixed(3)}, recall ${summary.recall.toFixed(3)}, ${(seconds() - begun).toFixed(0)} s`,
  );
  if (outages > 0)
    print(`${found.within} of ${outages} outages found within a minute, at worst after ${found.worst_s} s`);
  if (json)
    print(
      JSON.stringify({
        seed,
        days,
        devices,
        false_pages: falsePages,
        false_alerts: noise.length,
        ...summary,
        ...(outages > 0
          ? { outages, outages_within_minute: found.within, outages_worst_s: found.worst_s }
          : {}),
      }),
    );
  return falsePages === 0 && isKept(summary) && outages - found.within <= outages / 1_000;
};

const outagesPerDevice = 50;
const outagesApart = 3 * 3_600_000;
const judgeOutages = (seed: number, outages: number) => {
  const times: number[] = [];
  for (let begun = 0; begun < outages; begun += outagesPerDevice) {
    const names = Array<'total-outage'>(Math.min(outagesPerDevice, outages - begun)).fill('total-outage');
    const { found } = judgeFaults(seed + begun, { names, apartMs: outagesApart });
    times.push(...found.flatMap(({ afterSeconds }) => afterSeconds ?? []));
  }
  return { within: times.length, worst_s: Math.max(0, ...times) };
};

export type Summary = ReturnType<typeof summarize>;
export const summarize = (judged: readonly Judged[]) => {
  const found = judged.flatMap((each) => each.found);
  const right = judged.reduce((sum, each) => sum + each.right, 0);
  const wrong = judged.reduce((sum, each) => sum + each.wrong.length, 0);
  const faults = figuresByFault(found);
  return {
    outage_detected_s: faults['total-outage']?.worst_s ?? null,
    outages_missed: (faults['total-outage']?.injected ?? 0) - (faults['total-outage']?.found ?? 0),
    precision: right / Math.max(1, right + wrong),
    recall: found.filter(({ afterSeconds }) => afterSeconds !== undefined).length / Math.max(1, found.length),
    /** Pages that went on for more than an hour after their fault. */
    late: judged.reduce((sum, each) => sum + each.late.length, 0),
    faults,
  };
};

/** Every outage within a minute (it counts as missed otherwise), and nineteen of twenty right and found. */
export const isKept = ({ precision, recall, outages_missed, late }: Summary): boolean =>
  precision >= 0.95 && recall >= 0.95 && outages_missed === 0 && late === 0;

const lineOf = ({ alert, firedAt, resolvedAt }: Episode): string =>
  `day ${(firedAt / 86_400_000).toFixed(2)}, ${resolvedAt === undefined ? 'for ever' : `${Math.round((resolvedAt - firedAt) / 60_000)} min`}: ${alert.id} (${alert.severity}): ${alert.message}`;
