import type { CoordinatorOptions } from '../../src/inference/coordinator.ts';
import type { DetectOutput, RecognizeOutput } from '../../src/inference/ocr/types.ts';
import type { SimulatedPage } from './engineDouble.ts';
import type { NetworkFaults } from './network.ts';
import type { NodeBehaviour } from './node.ts';
import { createSeededRandom, type SeededRandom } from './random.ts';

export type PeerPlan = NodeBehaviour & {
  readonly label: string;
  readonly sameAccount: boolean;
  readonly lies: 'never' | 'sometimes' | 'always';
  readonly freezeAt: number | undefined;
  readonly crashAt: number | undefined;
  readonly backAfter: number | undefined;
  readonly strayAt: number | undefined;
};

export type Plan = {
  readonly seed: number;
  readonly faults: NetworkFaults;
  readonly requester: NodeBehaviour;
  readonly peers: readonly PeerPlan[];
  readonly pages: readonly SimulatedPage[];
  readonly audience: 'room' | 'alone';
  readonly submitAfter: number;
  readonly cancelAt: number | undefined;
  readonly requesterCrash: { readonly at: number; readonly backAfter: number } | undefined;
  readonly partitions: readonly { readonly at: number; readonly forMs: number }[];
  readonly options: CoordinatorOptions;
};

export const calm: NetworkFaults = {
  latency: [5, 30],
  bytesPerMs: 1_000,
  loss: 0,
  delay: 0,
  duplicate: 0,
  reorder: 0,
};

/** A room and its troubles, drawn from a seed. Always leaves somebody who could do the job honestly. */
export const planHistory = (seed: number): Plan => {
  const random = createSeededRandom(seed).fork('plan');
  const ownSlots = random.chance(0.8) ? 1 + random.int(2) : 0;
  const count = ownSlots === 0 ? 1 + random.int(4) : random.int(6);
  // Without this device nobody's word is proof against a liar's: two opinions are no majority.
  const mayLie = ownSlots > 0;
  const thorough = random.chance(0.4);
  const peers = Array.from({ length: count }, (_, index) =>
    index === 0 && ownSlots === 0 ? steadyPeer(random) : planPeer(random, index, { mayLie, thorough }),
  );
  const pageCount = 1 + random.int(4);
  return {
    seed,
    faults: random.chance(0.4) ? calm : planFaults(random),
    requester: { ...honest(random.between(0.05, 0.6), ownSlots), serves: random.chance(0.5) },
    peers,
    pages: Array.from({ length: pageCount }, (_, index) => ({
      name: `page${index}`,
      rows: random.chance(0.1) ? 0 : random.int(24),
      damaged: random.chance(0.06),
    })),
    audience: ownSlots > 0 && random.chance(0.05) ? 'alone' : 'room',
    submitAfter: random.pick([0, 50, 1_000]),
    cancelAt: random.chance(0.12) ? random.int(8_000) : undefined,
    requesterCrash: random.chance(0.2)
      ? { at: random.int(6_000), backAfter: 50 + random.int(10_000) }
      : undefined,
    partitions: random.chance(0.2) ? [{ at: random.int(6_000), forMs: 500 + random.int(8_000) }] : [],
    options: { checkShare: thorough ? 1 : 0.1, ...(thorough ? { newcomerCheckShare: 1 } : {}) },
  };
};

export const honest = (speed: number, slots: number): NodeBehaviour => ({
  speed: { detect: speed * 8, recognize: speed },
  slots: () => slots,
  serves: true,
});

export const peerPlan = (
  label: string,
  behaviour: NodeBehaviour,
  more: Partial<PeerPlan> = {},
): PeerPlan => ({
  ...behaviour,
  label,
  sameAccount: false,
  lies: 'never',
  freezeAt: undefined,
  crashAt: undefined,
  backAfter: undefined,
  strayAt: undefined,
  ...more,
});

const steadyPeer = (random: SeededRandom): PeerPlan =>
  peerPlan('steady', honest(random.between(0.05, 0.5), 1 + random.int(3)));

const planPeer = (
  random: SeededRandom,
  index: number,
  { mayLie, thorough }: { readonly mayLie: boolean; readonly thorough: boolean },
): PeerPlan => {
  const speed = random.chance(0.15) ? 0.002 : random.between(0.03, 1);
  const base = peerPlan(`peer${index}`, honest(speed, 1 + random.int(3)), {
    sameAccount: random.chance(0.15),
    freezeAt: random.chance(0.12) ? random.int(8_000) : undefined,
    strayAt: random.chance(0.08) ? random.int(5_000) : undefined,
    ...(random.chance(0.2)
      ? { crashAt: random.int(8_000), backAfter: random.chance(0.6) ? random.int(5_000) : undefined }
      : {}),
    serves: random.chance(0.92),
  });
  const trouble = random.next();
  // One's own other device may break, but it does not lie.
  const stranger = !base.sameAccount;
  if (mayLie && stranger && trouble < 0.15) return { ...base, ...lying(index), lies: 'always' };
  // Rare lies are only sure to be found where every answer is checked.
  if (mayLie && stranger && thorough && trouble < 0.22)
    return { ...base, ...lyingSometimes(random, index), lies: 'sometimes' };
  if (trouble < 0.29) return { ...base, ...garbage };
  if (trouble < 0.35) return { ...base, ...wrongSchema };
  if (trouble < 0.42) return { ...base, fails: () => random.chance(0.5) };
  return base;
};

const planFaults = (random: SeededRandom): NetworkFaults => ({
  latency: [random.between(1, 20), random.between(20, 300)],
  bytesPerMs: random.between(50, 5_000),
  loss: random.pick([0, 0.002, 0.01, 0.03]),
  delay: random.pick([0, 0.02, 0.1]),
  duplicate: random.pick([0, 0.02, 0.1]),
  reorder: random.pick([0, 0.02, 0.1]),
});

/** Plausible: right shape, right length, another text. Every liar has a text of its own. */
export const lieAbout = (output: RecognizeOutput, liar: number): RecognizeOutput => ({
  lines: output.lines.map(({ text, confidence }) => ({ text: `${text.slice(0, -1)}${liar}x`, confidence })),
});
/** Plausible: boxes on the page, but one line is missed, or all stand elsewhere. */
export const misplace = (output: DetectOutput): DetectOutput => ({ boxes: output.boxes.slice(0, -1) });
export const lying = (liar: number): Partial<NodeBehaviour> => ({
  distortRecognize: (output) => lieAbout(output, liar),
  distortDetect: misplace,
});
const lyingSometimes = (random: SeededRandom, liar: number): Partial<NodeBehaviour> => ({
  distortRecognize: (output) => (random.chance(0.4) ? lieAbout(output, liar) : output),
  distortDetect: (output) => (random.chance(0.4) ? misplace(output) : output),
});
export const garbage: Partial<NodeBehaviour> = {
  distortRecognize: (output) => ({ lines: [...output.lines, { text: 'one too many', confidence: 1 }] }),
  distortDetect: () => ({ boxes: [{ quad: [0, 0, 1e6, 0, 1e6, 1e6, 0, 1e6], score: 1 }] }),
};
export const wrongSchema: Partial<NodeBehaviour> = {
  distortRecognize: () => ({ lines: 'nonsense' }) as unknown as RecognizeOutput,
  distortDetect: () => ({ boxes: [{ quad: [1, 2, 3], score: 7 }] }) as unknown as DetectOutput,
};

export const describePlan = (plan: Plan): string =>
  JSON.stringify(
    { ...plan, requester: { ...plan.requester, ownSlots: plan.requester.slots() } },
    (_, value: unknown) => (typeof value === 'function' ? '…' : value),
  );
