/** The product's dashboard over peers that come and go by a seed. Everything else is still. */
import type { PeerView } from '../../src/app/readModels.ts';
import type { PeerId } from '../../src/core/brand.ts';
import { mountDashboard } from '../../src/dashboard/index.ts';
import { createFixtureApp, fixturePeer } from '../../src/dashboard/testDoubles.ts';
import { createBrowserClock } from '../../src/platform/browser/clock.ts';
import { createBrowserTimers } from '../../src/platform/browser/timers.ts';

export type Watched = {
  readonly frames: readonly number[];
  readonly longestTask: number;
  readonly joined: number;
  readonly lost: number;
};
export type MapPage = {
  show(peers: number, seed: number): void;
  /** Ids of the peers that should be on the map now. */
  expected(): readonly string[];
  watch(seconds: number, options: { readonly churn: boolean }): Promise<Watched>;
};

const linksEach = 4;
const joinOrLossEvery = 250;

const randomBy = (seed: number) => {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
};

let random = randomBy(1);
let born = 0;
const app = createFixtureApp('crowd', { clock: createBrowserClock(), timers: createBrowserTimers() });
const { peers } = app.models;
const idOf = ({ status }: PeerView): PeerId => status.peer;

const create = (others: readonly PeerView[]): PeerView => {
  const peer = fixturePeer(born++, { link: 'none', way: undefined });
  const somebody = () => others[Math.floor(random() * others.length)];
  const neighbors = Array.from({ length: linksEach }, () => somebody()).flatMap((other) =>
    other ? [{ peer: idOf(other), rtt: Math.round(random() * 100) }] : [],
  );
  return { ...peer, neighbors, link: born <= 8 ? 'neighbor' : 'none' };
};

const join = () => peers.update((all) => [...all, create(all)]);
const lose = () =>
  peers.update((all) => {
    const gone = 8 + Math.floor(random() * (all.length - 8));
    return all.filter((_, index) => index !== gone);
  });
/** As every few seconds: round trips and bytes of the linked ones. */
const measure = () =>
  peers.update((all) =>
    all.map((peer) =>
      peer.link === 'none' ? peer : { ...peer, bytesSent: peer.bytesSent + Math.round(random() * 1_000) },
    ),
  );

const watch = async (seconds: number, churn: boolean): Promise<Watched> => {
  const frames: number[] = [];
  const counts = { joined: 0, lost: 0 };
  let longestTask = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longestTask = Math.max(longestTask, duration);
  });
  observer.observe({ type: 'longtask' });
  let last = performance.now();
  let running = true;
  const frame = (now: number) => {
    frames.push(now - last);
    last = now;
    if (running) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  let turn = 0;
  const timer = setInterval(() => {
    turn++;
    if (churn && turn % 2 === 0) {
      join();
      counts.joined++;
    } else if (churn) {
      lose();
      counts.lost++;
    }
    if (turn % 20 === 0) measure();
  }, joinOrLossEvery);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  clearInterval(timer);
  running = false;
  observer.disconnect();
  return { frames: frames.slice(1), longestTask, ...counts };
};

const page: MapPage = {
  show(count, seed) {
    random = randomBy(seed);
    peers.set([]);
    for (let i = 0; i < count; i++) join();
    const root = document.getElementById('root');
    if (!root) throw new Error('the page has no #root');
    mountDashboard(root, app);
  },
  expected: () => peers.get().map(idOf),
  watch: (seconds, { churn }) => watch(seconds, churn),
};
Object.assign(globalThis, { mapPage: page });
