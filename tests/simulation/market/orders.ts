import { createPerson, type Person } from '../../../src/ledger/testDoubles.ts';
import { signedReceiptOf } from '../../../src/ledger/transition/market/testDoubles.ts';
import type { OperationId } from '../../../src/ledger/types.ts';
import { createSeededRandom, type SeededRandom } from '../random.ts';
import { createWorld, type World } from './world.ts';

/**
 * Random orders and what becomes of them, straight through the transitions: no signatures, no blocks. What has to hold after
 * every step is in `world.ts`.
 */
export type OrdersReport = {
  readonly orders: number;
  readonly operations: number;
  readonly refused: number;
  readonly epochs: number;
  readonly paidOrders: number;
  readonly largestStepPercent: number;
  readonly violations: readonly string[];
};

type Open = { readonly id: OperationId; readonly payer: Person; readonly job: string; readonly plan: Step[] };
type Step = 'match' | 'settle' | 'claim' | 'cancel' | 'wait';

const firstPrice = 250_000_000;
const ordersAnEpoch = 200;
/** Few enough that most steps come while their order is open, and enough that some come too late. */
const plansAtOnce = 200;

export const playOrders = (seed: number, count: number): OrdersReport => {
  const random = createSeededRandom(seed);
  const people = Array.from({ length: 100 }, (_, n) => createPerson(`person ${n}`));
  const world = createWorld(people);
  const open: Open[] = [];
  let placed = 0;
  let largestStepPercent = 0;
  while (placed < count && world.violations.length < 20) {
    for (let n = 0; n < ordersAnEpoch && placed < count; n++) {
      const order = placeOrder(world, random, people, placed);
      if (order) {
        placed++;
        open.push(order);
      }
      do act(world, random, people, open);
      while (open.length > plansAtOnce);
    }
    largestStepPercent = Math.max(largestStepPercent, world.endEpoch());
  }
  for (let epoch = 0; epoch < 20; epoch++)
    largestStepPercent = Math.max(largestStepPercent, world.endEpoch());
  world.judgeEntries('at the end');
  const { operations, refused, violations, state } = world;
  return {
    orders: placed,
    operations,
    refused,
    epochs: state.epoch,
    paidOrders: world.paidOrders,
    largestStepPercent,
    violations,
  };
};

const placeOrder = (
  world: World,
  random: SeededRandom,
  people: readonly Person[],
  nth: number,
): Open | undefined => {
  const payer = random.pick(people);
  const { price = firstPrice } = world.state.market.classes['ocr'] ?? {};
  const wanted = Math.exp(random.between(0, Math.log(50_000))) * (firstPrice / price);
  const job = `job-${nth}`;
  const id = world.operate(payer, 'order', {
    class: 'ocr',
    max: Math.max(1, Math.floor(wanted)),
    limit: price + random.int(price),
    deadline: world.state.epoch + random.int(4),
    job,
  });
  return id && { id, payer, job, plan: [...random.pick(plans)] };
};

const plans: readonly (readonly Step[])[] = [
  ['match', 'settle'],
  ['match', 'settle'],
  ['settle'],
  ['settle', 'settle'],
  ['match', 'settle', 'claim', 'settle'],
  ['claim'],
  ['claim', 'claim', 'settle', 'cancel'],
  ['match', 'claim', 'claim'],
  ['cancel'],
  ['cancel', 'settle'],
  ['match', 'cancel'],
  ['wait', 'wait', 'wait', 'settle'],
  [],
];

/** The next step of some open order. Some come too late or ask for too much, and must be refused without a trace. */
const act = (world: World, random: SeededRandom, people: readonly Person[], open: Open[]): void => {
  if (open.length === 0) return;
  const index = random.int(open.length);
  const { id: escrow, payer, job, plan } = open[index]!;
  const step = plan.shift();
  if (step === undefined) {
    open[index] = open.at(-1)!;
    open.pop();
    return;
  }
  const max = world.state.market.escrows.get(escrow)?.max ?? 1;
  const shares = () =>
    Array.from(
      { length: 1 + random.int(3) },
      () => [random.pick(people).id, 1 + random.int(Math.ceil(max / 2))] as const,
    );
  if (step === 'match') world.operate(payer, 'match', { escrow, shares: shares() });
  if (step === 'settle')
    world.operate(payer, 'settle', { escrow, payees: random.chance(0.1) ? [] : shares() });
  if (step === 'cancel') world.operate(payer, 'cancel', { escrow });
  if (step !== 'claim') return;
  const worker = random.pick(people);
  const receipts = Array.from({ length: 1 + random.int(3) }, (_, n) =>
    signedReceiptOf({
      requester: payer,
      worker,
      job,
      unit: `${random.int(3)}-${n}`,
      cost: random.int(max) + 1,
    }),
  );
  world.operate(worker, 'claim', { escrow, receipts });
};
