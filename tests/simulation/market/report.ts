import { playOrders } from './orders.ts';
import {
  type Demand,
  ledgerRule,
  type PriceRun,
  playPrices,
  type Rule,
  servedRule,
  stockRule,
} from './prices.ts';

type Say = { readonly print: (line: string) => void; readonly seconds: () => number };

const step = (elasticity: number): Demand => ({ elasticity, factor: 4, patience: 3, offered: 1 });
const elasticities = [0.5, 1, 2] as const;
const rules: Readonly<Record<string, (first: number, offered: number) => Rule>> = {
  'as the ledger has it': ledgerRule,
  'first design': stockRule,
  'first design, served work counts': servedRule,
};

/** Plays random orders and steps of demand, prints each number beside its goal, and tells whether all were met. */
export const reportMarket = (
  options: { readonly seed: number; readonly orders: number; readonly json: boolean },
  { print, seconds }: Say,
): boolean => {
  const began = seconds();
  const played = playOrders(options.seed, options.orders);
  const took = (seconds() - began).toFixed(1);
  print(
    `${played.orders} orders, ${played.paidOrders} of them paid for work, in ${played.operations} operations ` +
      `(${played.refused} refused) and ${played.epochs} epochs: ${took} s`,
  );
  for (const violation of played.violations) print(`  violated: ${violation}`);
  print('rules: four times the demand, capacity constant, orders wait three epochs');
  for (const [name, rule] of Object.entries(rules))
    for (const elasticity of elasticities)
      print(`  ${name}, elasticity ${elasticity}: ${told(playPrices(step(elasticity), rule))}`);
  const runs = elasticities.map((elasticity) => playPrices(step(elasticity), ledgerRule));
  const settled = runs.map(({ epochsToSettle }) => epochsToSettle ?? null);
  const steps = [played.largestStepPercent, ...runs.map((run) => run.largestStepPercent)];
  const largest = Math.round(Math.max(...steps) * 1e6) / 1e6;
  const unit = settled[1] ?? null;
  const met = played.violations.length === 0 && unit !== null && unit <= 30 && largest <= 12.5;
  print(
    `goals: no violation (${played.violations.length}); at most 30 epochs (${unit}); 12.5 % (${largest})`,
  );
  const numbers = {
    orders: played.orders,
    violations: played.violations.length,
    epochs_to_settle: Object.fromEntries(elasticities.map((e, index) => [`${e}`, settled[index]])),
    largest_step_pct: largest,
  };
  if (options.json) print(JSON.stringify(numbers));
  return met;
};

const told = ({ epochsToSettle, largestStepPercent, highest, lowest, last, asked }: PriceRun): string => {
  const [low, high, end] = [lowest, highest, last].map((ratio) => ratio.toPrecision(3));
  const rest =
    epochsToSettle === undefined
      ? 'never rests'
      : `within 5 % of its new level after ${epochsToSettle} epochs`;
  return `${rest}; ${low}…${high} times the old price, ${end} at the end, where ${(asked * 100).toFixed(0)} % of the capacity is asked for; steps up to ${largestStepPercent.toFixed(2)} %`;
};
