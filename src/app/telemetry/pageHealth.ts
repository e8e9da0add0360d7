import type { CheckState } from '../../observability/index.ts';

type CheckResult<Id extends string> = {
  readonly id: Id;
  readonly title: string;
  readonly state: CheckState;
  readonly message: string;
};

export type HealthInput = {
  readonly server: {
    readonly phase: 'off' | 'connecting' | 'joined' | 'waiting' | 'refused';
    readonly reason?: string;
  };
  readonly networkWanted: boolean;
  readonly peers: number;
  readonly openPeers: number;
  readonly engine: {
    readonly phase: 'idle' | 'loading' | 'ready' | 'failed';
    readonly error: string | undefined;
  };
  readonly durable: boolean;
  readonly storage: { readonly quota: number; readonly usage: number } | undefined;
  /** Between this page's workers. */
  readonly sharedMemory: boolean;
  readonly cores: number | undefined;
  /** `problem`: why the page can't store itself here. */
  readonly install: { readonly offlineReady: boolean; readonly problem: string | undefined };
  /** Longest time in the last minute that the main thread was busy at a stretch, ms. */
  readonly longestTaskMs: number;
};

export type HealthId = 'server' | 'swarm' | 'engine' | 'storage' | 'isolation' | 'install' | 'main-thread';

/** Storage use is watched at the thresholds of the original design: 80 % and 90 %. */
const storageWarn = 0.8;
const storageBad = 0.9;
const longTaskMs = 200;

/** Not "0 %" of what is in use. */
export const percentInWords = (share: number): string =>
  share > 0 && share < 0.005 ? 'less than 1 %' : `${Math.round(100 * share)} %`;

/** What is well, what is not, and what to do about it. Pure. */
export const healthChecks = (input: HealthInput): readonly CheckResult<HealthId>[] => [
  serverCheck(input),
  swarmCheck(input),
  engineCheck(input),
  storageCheck(input),
  isolationCheck(input),
  installCheck(input),
  mainThreadCheck(input),
];

type Check = (input: HealthInput) => CheckResult<HealthId>;

const serverCheck: Check = ({ server, networkWanted }) => {
  const result = (state: CheckState, message: string) => ({
    id: 'server' as const,
    title: 'Meeting server',
    state,
    message,
  });
  if (!networkWanted) return result('ok', 'Not used: you chose to work on this device only.');
  switch (server.phase) {
    case 'joined':
      return result('ok', 'Connected. It only introduces tabs to each other.');
    case 'connecting':
      return result('unknown', 'Connecting…');
    case 'waiting':
      return result(
        'warn',
        `${server.reason ?? 'Not reachable'}. It is tried again by itself; jobs here go on.`,
      );
    case 'refused':
      return result('bad', server.reason ?? 'The server refused this tab. Reload the page.');
    case 'off':
      return result('unknown', 'Not started yet.');
    default:
      return server.phase satisfies never;
  }
};

const swarmCheck: Check = ({ peers, openPeers, networkWanted }) => {
  const result = (state: CheckState, message: string) => ({
    id: 'swarm' as const,
    title: 'Swarm',
    state,
    message,
  });
  if (!networkWanted) return result('ok', 'This device works alone, as you chose.');
  if (peers === 0)
    return result(
      'warn',
      'Nobody else is here. Give the link to another device, or open it in a second browser.',
    );
  if (openPeers === 0)
    return result('warn', `${count(peers, 'tab')} here, none of which works for others now.`);
  return result(
    'ok',
    `${count(peers, 'tab')} linked, ${openPeers} of which ${openPeers === 1 ? 'works' : 'work'} for others.`,
  );
};

const engineCheck: Check = ({ engine }) => {
  const result = (state: CheckState, message: string) => ({
    id: 'engine' as const,
    title: 'Reading engine',
    state,
    message,
  });
  switch (engine.phase) {
    case 'ready':
      return result('ok', 'Models are loaded and verified.');
    case 'idle':
      return result('ok', 'Loads when there is something to read.');
    case 'loading':
      return result('unknown', 'Loading models…');
    case 'failed':
      return result('bad', engine.error ?? 'The models could not be loaded. Reload the page.');
    default:
      return engine.phase satisfies never;
  }
};

const storageCheck: Check = ({ durable, storage }) => {
  const result = (state: CheckState, message: string) => ({
    id: 'storage' as const,
    title: 'Storage',
    state,
    message,
  });
  if (!durable) {
    return result(
      'warn',
      'Nothing outlives this tab (a private window?): jobs, receipts and your identity end with it.',
    );
  }
  if (!storage || storage.quota === 0)
    return result('unknown', 'This browser does not report how much room there is.');
  const used = storage.usage / storage.quota;
  const share = `Of this browser's room ${percentInWords(used)} is used.`;
  if (used >= storageBad)
    return result('bad', `${share} Remove finished jobs now: new ones may not be kept.`);
  if (used >= storageWarn) return result('warn', `${share} Remove finished jobs soon.`);
  return result('ok', share);
};

const isolationCheck: Check = ({ sharedMemory, cores }) => {
  const result = (state: CheckState, message: string) => ({
    id: 'isolation' as const,
    title: 'Threads',
    state,
    message,
  });
  if (sharedMemory)
    return result('ok', `Workers may share memory${cores ? ` over ${count(cores, 'core')}` : ''}.`);
  return result(
    'warn',
    'This browser lets the page’s workers share no memory, so each computes with one thread. It may over https, from the host itself.',
  );
};

const installCheck: Check = ({ install }) => {
  const result = (state: CheckState, message: string) => ({
    id: 'install' as const,
    title: 'Offline',
    state,
    message,
  });
  if (install.offlineReady)
    return result('ok', 'The page and its models are stored: it opens and reads without a network.');
  return result(
    install.problem ? 'warn' : 'unknown',
    install.problem ?? 'Stores what it needs after the first reading.',
  );
};

const mainThreadCheck: Check = ({ longestTaskMs }) => {
  const result = (state: CheckState, message: string) => ({
    id: 'main-thread' as const,
    title: 'Page',
    state,
    message,
  });
  if (longestTaskMs > longTaskMs)
    return result(
      'warn',
      `The page was busy for ${Math.round(longestTaskMs)} ms at a stretch in the last minute.`,
    );
  return result('ok', 'The page answers at once.');
};

const count = (n: number, thing: string): string => `${n} ${thing}${n === 1 ? '' : 's'}`;
