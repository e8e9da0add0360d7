import type { TelemetrySettings } from '../../../app/telemetryView.ts';

export type SwitchName = Exclude<keyof TelemetrySettings, 'traceSampling' | 'charts'>;

/** Each switch, with what it does and what leaves this device. */
export const settingWords: Record<SwitchName, { readonly label: string; readonly hint: string }> = {
  metrics: {
    label: 'Measure',
    hint: 'Counts and times of what this tab does: numbers, never contents. They stay in this browser.',
  },
  traces: {
    label: 'Trace',
    hint: 'Which step of a job took how long, and at which device. Stays in this browser.',
  },
  logs: {
    label: 'Keep a log',
    hint: 'What happened, with ids and numbers and without texts, images or keys. Stays in this browser.',
  },
  shareMetrics: {
    label: 'Share distributions with the swarm',
    hint: 'Everybody in this room sees how fast this device was, under its name: numbers only, no single event.',
  },
  exportTraces: {
    label: 'Send traces to the host',
    hint: 'Whoever runs this host sees the steps of your jobs, their times and the devices they ran on.',
  },
  notify: {
    label: 'System notifications',
    hint: 'For what is urgent, while this tab is open. The browser asks once when you switch it on.',
  },
  relayAlerts: {
    label: 'Tell the host’s channels',
    hint: 'Title and numbers of an alert leave this device, for whoever runs the host.',
  },
};
