import type { JobId } from '../../src/core/brand.ts';
import { milliseconds } from '../../src/core/brand.ts';
import { encodeCbor } from '../../src/core/codec.ts';
import type { JobView, WorkReceipt } from '../../src/inference/contracts.ts';
import { hashOutput } from '../../src/inference/hashes.ts';
import { verifyReceipt } from '../../src/inference/receipts.ts';
import { createSimulationCrypto } from './crypto.ts';
import { pageFile, rowOfQuad, type SimulatedPage, truthOf } from './engineDouble.ts';
import { createSimulatedNetwork } from './network.ts';
import { createDevice, createNode, type SimulatedNode, type SimulatedWorld } from './node.ts';
import { describePlan, type PeerPlan, type Plan } from './plan.ts';
import { createSeededRandom } from './random.ts';
import { createVirtualTime } from './virtualTime.ts';

export type HistoryReport = {
  readonly plan: Plan;
  readonly view: JobView | undefined;
  readonly endedAt: number;
  readonly messages: number;
  readonly violations: readonly string[];
  /** Everything that two runs of one seed must have in common. */
  readonly trace: string;
};

const longestJob = 3_600_000;
const grace = 90_000;

/** One life of one room, from its plan to what was found wrong with it. */
export const runHistory = async (plan: Plan): Promise<HistoryReport> => {
  const random = createSeededRandom(plan.seed);
  const time = createVirtualTime();
  const network = createSimulatedNetwork(time, random.fork('network'), plan.faults);
  const world: SimulatedWorld = { time, network, random, options: plan.options, errors: [] };
  const violations: string[] = [];
  const requesterDevice = createDevice('requester', random.fork('requester'));
  const nodes: SimulatedNode[] = [];
  const startRequester = async () => {
    const node = await createNode(world, requesterDevice, plan.requester);
    nodes.push(node);
    watchDuplicates(node, violations);
    return node;
  };
  let requester = await startRequester();
  const accountSeed = requesterDevice.accountSeed;
  for (const peer of plan.peers) await startPeer(world, peer, nodes, accountSeed);
  await time.runUntil(() => false, plan.submitAfter);

  const pages = plan.pages.map((page) => ({ name: page.name, file: pageFile(page) }));
  const submitted = await requester.coordinator.submitInferenceRequest({
    kind: 'ocr',
    pages,
    audience: plan.audience,
  });
  if (!submitted.ok) throw new Error(submitted.error.message);
  const job = submitted.value;
  scheduleTroubles(world, plan, nodes, () => requester, job);
  if (plan.requesterCrash) {
    const { at, backAfter } = plan.requesterCrash;
    await time.runUntil(() => false, at);
    requester.kill();
    await time.runUntil(() => false, backAfter);
    requester = await startRequester();
    await requester.coordinator.resumeStoredJobs();
  }
  const ended = await time.runUntil(() => isOver(requester, job), longestJob);
  const endedAt = time.now();
  await time.runUntil(() => false, grace);

  const view = requester.coordinator.getRequestStatus(job);
  if (!ended) violations.push(`the job did not end: ${JSON.stringify(view?.state)}`);
  violations.push(...world.errors.map((error) => `an error was logged: ${error}`));
  if (view) violations.push(...judgeResult(plan, view));
  violations.push(...(await judgeReceipts(plan, nodes, network, view?.state.phase === 'cancelled')));
  violations.push(...judgeActivity(nodes));
  const trace = JSON.stringify([
    endedAt,
    network.messages(),
    view?.pages.map(({ text }) => text),
    view?.events,
  ]);
  for (const node of nodes) if (node.alive()) await node.coordinator.close();
  return { plan, view, endedAt, messages: network.messages(), violations, trace };
};

const startPeer = async (
  world: SimulatedWorld,
  peer: PeerPlan,
  nodes: SimulatedNode[],
  requesterAccount: Uint8Array,
) => {
  const device = createDevice(
    peer.label,
    world.random.fork(peer.label),
    peer.sameAccount ? requesterAccount : undefined,
  );
  const node = await createNode(world, device, peer);
  nodes.push(node);
  const after = (delay: number, run: () => void) => void world.time.timers.after(milliseconds(delay), run);
  if (peer.freezeAt !== undefined) after(peer.freezeAt, () => world.network.freeze(node.identity.peer));
  if (peer.crashAt !== undefined) {
    after(peer.crashAt, () => {
      node.kill();
      if (peer.backAfter !== undefined) {
        after(peer.backAfter, () => void createNode(world, device, peer).then((back) => nodes.push(back)));
      }
    });
  }
};

const scheduleTroubles = (
  { time, network, random }: SimulatedWorld,
  plan: Plan,
  nodes: readonly SimulatedNode[],
  requester: () => SimulatedNode,
  job: JobId,
) => {
  const after = (delay: number, run: () => void) => void time.timers.after(milliseconds(delay), run);
  for (const { at, forMs } of plan.partitions) {
    after(at, () => {
      const group = nodes.filter(() => random.chance(0.5)).map(({ identity }) => identity.peer);
      network.partition(new Set(group), forMs);
    });
  }
  const { cancelAt } = plan;
  if (cancelAt !== undefined) {
    after(cancelAt, () => {
      void requester().coordinator.cancelRequest(job);
      void requester().coordinator.cancelRequest(job);
    });
  }
  plan.peers.forEach(({ label, strayAt }) => {
    if (strayAt === undefined) return;
    after(strayAt, () => {
      const from = nodes.find(({ device, alive }) => device.label === label && alive());
      if (!from) return;
      for (let id = 900_000; id < 900_006; id++) {
        const bytes = encodeCbor({ t: 'answer', id, v: { output: { lines: [] }, claim: null } });
        network.inject(from.identity.peer, requester().identity.peer, bytes);
      }
    });
  });
};

const isOver = ({ coordinator }: SimulatedNode, job: JobId): boolean => {
  const phase = coordinator.getRequestStatus(job)?.state.phase;
  return phase === 'done' || phase === 'failed' || phase === 'cancelled';
};

const watchDuplicates = ({ coordinator }: SimulatedNode, violations: string[]) => {
  coordinator.jobs.subscribe((views) => {
    for (const page of views.flatMap((view) => view.pages)) {
      const ids = page.lines.map(({ id }) => id);
      if (new Set(ids).size !== ids.length)
        violations.push(`a line stood twice on ${page.name} for a moment`);
    }
  });
};

const judgeResult = (plan: Plan, view: JobView): readonly string[] => {
  const found: string[] = [];
  const cancelled = view.state.phase === 'cancelled';
  const mayBeCancelled = plan.cancelAt !== undefined;
  if (cancelled && !mayBeCancelled) found.push('the job was cancelled by nobody');
  for (const [index, page] of plan.pages.entries()) {
    const seen = view.pages[index];
    if (!seen) found.push(`page ${page.name} is missing`);
    else if (cancelled) continue;
    else if (page.damaged && seen.state.phase !== 'failed') found.push(`damaged ${page.name} did not fail`);
    else if (!page.damaged && seen.state.phase !== 'done') {
      found.push(`${page.name} ended as ${JSON.stringify(seen.state)}`);
    } else if (!page.damaged) found.push(...judgePage(page, seen));
  }
  return found;
};

const judgePage = (page: SimulatedPage, seen: JobView['pages'][number]): readonly string[] => {
  const found: string[] = [];
  const rows = seen.lines.map(({ quad }) => rowOfQuad(quad));
  const once = new Set(rows).size === rows.length && rows.length === page.rows;
  if (!once) found.push(`${page.name} has ${rows.length} lines for ${page.rows} rows: ${rows.join(' ')}`);
  for (const { text, quad, peer } of seen.lines) {
    const truth = truthOf(page.name, rowOfQuad(quad));
    if (text !== truth)
      found.push(`${page.name} row ${rowOfQuad(quad)} says ${text}, truth ${truth} (by ${peer})`);
  }
  return found;
};

/** A receipt with two names under it must be true, and both sides must come to hold it. */
const judgeReceipts = async (
  plan: Plan,
  nodes: readonly SimulatedNode[],
  network: ReturnType<typeof createSimulatedNetwork>,
  // What stands when a job is cancelled is paid as it stands: there is nobody left to check it.
  cancelled: boolean,
): Promise<readonly string[]> => {
  const found: string[] = [];
  const crypto = createSimulationCrypto(() => new Uint8Array(32));
  const liars = plan.peers.filter(({ lies }) => lies === 'always').map(({ label }) => label);
  const wholeIdsByNode = new Map(
    nodes.map((node) => [node, new Set(node.receipts.filter(isWhole).map(({ id }) => id))] as const),
  );
  const last = nodes.filter(({ device, alive }) => device.label === 'requester' && alive()).at(-1);
  for (const node of nodes) {
    const units = new Map<string, string>();
    for (const receipt of node.receipts.filter(isWhole)) {
      const verified = await verifyReceipt(receipt, crypto);
      if (!verified.ok) found.push(`a whole receipt does not verify: ${verified.error.message}`);
      const worker = nodes.find((other) => other.identity.account === receipt.body.worker.account);
      const name = worker?.device.label ?? 'nobody';
      if (!cancelled && liars.includes(name) && isLie(receipt, plan))
        found.push(`${name} was paid for a lie`);
      const key = `${receipt.body.unit}/${receipt.body.worker.account}/${receipt.body.requester.account}`;
      if ((units.get(key) ?? receipt.id) !== receipt.id) found.push(`${name} was paid twice for one unit`);
      units.set(key, receipt.id);
      const workerNode = nodes.filter((other) => other.device === worker?.device && other.alive()).at(-1);
      const linked = last && workerNode && network.identityOf(last.identity.peer, workerNode.identity.peer);
      const reachable =
        linked && node === last && plan.peers.every((p) => p.label !== name || p.freezeAt === undefined);
      const theirs = nodes.filter((other) => other.device === worker?.device);
      if (reachable && !theirs.some((other) => wholeIdsByNode.get(other)?.has(receipt.id))) {
        found.push(`${name} never got its receipt ${receipt.id.slice(0, 6)}`);
      }
    }
  }
  return found;
};

const isWhole = ({ requesterSignature }: WorkReceipt) => requesterSignature !== undefined;
const isLie = ({ body }: WorkReceipt, plan: Plan) => {
  const honest = new Set(plan.pages.flatMap(honestDetections));
  return body.kind === 'ocr.recognize' || !honest.has(body.output);
};
const honestDetections = ({ rows }: SimulatedPage): readonly string[] => [
  hashOutput('ocr.detect', {
    boxes: Array.from({ length: rows }, (_, row) => ({
      quad: [8, row * 24, 300, row * 24, 300, row * 24 + 20, 8, row * 24 + 20] as const,
      score: 0.9,
    })),
  }),
];

const judgeActivity = (nodes: readonly SimulatedNode[]): readonly string[] =>
  nodes
    .filter((node) => node.alive() && node.engine.active() > 0)
    .map((node) => `${node.device.label} still works after the job's end`);

export const explain = (report: HistoryReport): string =>
  [
    `seed ${report.plan.seed}: replay with  npm run sim -- inference --seed ${report.plan.seed}`,
    describePlan(report.plan),
    ...report.violations.map((violation) => `  ✗ ${violation}`),
    ...(report.view?.events.map(({ text }) => `    · ${text}`) ?? []),
  ].join('\n');
