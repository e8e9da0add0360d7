import type { JobId } from '../../src/core/brand.ts';
import type { JobView } from '../../src/inference/contracts.ts';
import type { CoordinatorOptions } from '../../src/inference/coordinator.ts';
import { pageFile, rowOfQuad, truthOf } from './engineDouble.ts';
import { createSimulatedNetwork } from './network.ts';
import {
  createDevice,
  createNode,
  type NodeBehaviour,
  type SimulatedDevice,
  type SimulatedNode,
} from './node.ts';
import { calm } from './plan.ts';
import { createSeededRandom } from './random.ts';
import { createVirtualTime } from './virtualTime.ts';

export type Room = ReturnType<typeof openRoom>;

/** A calm room for scenes that are told step by step. */
export const openRoom = (options: CoordinatorOptions = {}, seed = 7) => {
  const random = createSeededRandom(seed);
  const time = createVirtualTime();
  const network = createSimulatedNetwork(time, random.fork('network'), calm);
  const world = { time, network, random, options, errors: [] as string[] };
  const pass = (forMs: number) => time.runUntil(() => false, forMs);
  return {
    time,
    network,
    errors: world.errors,
    pass,
    device: (label: string) => createDevice(label, random.fork(label)),
    async enter(label: string, behaviour: NodeBehaviour, device?: SimulatedDevice): Promise<SimulatedNode> {
      const node = await createNode(world, device ?? createDevice(label, random.fork(label)), behaviour);
      await pass(200);
      return node;
    },
    async submit(node: SimulatedNode, rows: readonly number[], audience: 'room' | 'alone' = 'room') {
      const job = await node.coordinator.submitInferenceRequest({
        kind: 'ocr',
        audience,
        pages: pagesOf(rows),
      });
      if (!job.ok) throw new Error(job.error.message);
      return job.value;
    },
    /** The job's view once it is over, or as it is after a virtual hour. */
    async finish(node: SimulatedNode, job: JobId): Promise<JobView> {
      const view = () => node.coordinator.getRequestStatus(job)!;
      await time.runUntil(() => ['done', 'failed', 'cancelled'].includes(view().state.phase), 3_600_000);
      return view();
    },
  };
};

/** Pages with so many lines each. */
export const pagesOf = (rows: readonly number[]) =>
  rows.map((count, index) => {
    const name = `page${index}`;
    return { name, file: pageFile({ name, rows: count }) };
  });

export const wrongLines = (view: JobView): readonly string[] =>
  view.pages.flatMap((page) =>
    page.lines
      .filter(({ text, quad }) => text !== truthOf(page.name, rowOfQuad(quad)))
      .map(({ text }) => `${page.name}: ${text}`),
  );
export const lineCount = (view: JobView): number =>
  view.pages.reduce((sum, { lines }) => sum + lines.length, 0);
export const whole = ({ receipts }: SimulatedNode) =>
  receipts.filter(({ requesterSignature }) => requesterSignature !== undefined);
