/**
 * Every number of the swarm that may be governed, with its bounds. A governed change stays within them and is at most a
 * doubling or a halving a step (decision in ledger.md). All are integers.
 */
export type Parameter = {
  readonly initial: number;
  readonly least: number;
  readonly most: number;
  readonly unit: string;
  readonly meaning: string;
};

const row = (initial: number, least: number, most: number, unit: string, meaning: string): Parameter => ({
  initial,
  least,
  most,
  unit,
  meaning,
});

const vcoin = 1_000_000;

export const parameterTable = {
  epochSeconds: row(600, 1, 86_400, 's', 'how long an epoch lasts'),
  transferFee: row(1_000, 0, 10 * vcoin, 'µVC', 'what a transfer pays to the treasury'),
  payFeeDivisor: row(50, 10, 1_000, '', 'a payment for work pays one part of so many to the treasury'),
  cancelDivisor: row(50, 10, 1_000, '', 'cancelling an order costs one part of so many'),
  minPrice: row(8, 8, 1_000 * vcoin, 'µVC per 10⁶', 'no price falls below it'),
  challengeEpochs: row(2, 1, 144, 'epochs', 'how long a worker may object to a settlement'),
  mintRate: row(
    250 * vcoin,
    0,
    100_000 * vcoin,
    'µVC per 10⁶',
    'reward for a unit of public work by its cost',
  ),
  mintFormula: row(0, 0, 1, '', '0: by cost; 1: by processor and memory hours, as the original did'),
  mintCap: row(1_000 * vcoin, 0, 1_000_000 * vcoin, 'µVC per epoch', 'most that an epoch mints'),
  vestAfter: row(60, 1, 10_000, 'units', 'further accepted units after which a reward is paid out'),
  veteranStreak: row(10, 1, 1_000, 'units', 'accepted units in a row that make a veteran'),
  auditPermille: row(50, 1, 1_000, '‰', 'least share of the units done alone that is done again in secret'),
  votingDays: row(7, 1, 60, 'days', 'how long a vote is open'),
  draftDays: row(1, 0, 30, 'days', 'between proposing and voting'),
  extensionDays: row(2, 0, 30, 'days', 'once, if quorum is reached in the last days'),
  timelockDays: row(2, 0, 60, 'days', 'between passing and execution'),
  quorumPermille: row(510, 10, 1_000, '‰', 'of the active power must take part'),
  proposalDeposit: row(
    100 * vcoin,
    0,
    100_000 * vcoin,
    'µVC',
    'put down for a proposal, burned if quorum is not reached',
  ),
  hostUntilPower: row(
    100_000 * vcoin,
    0,
    Number.MAX_SAFE_INTEGER,
    'µVC',
    'below this eligible power the host governs',
  ),
} as const satisfies Record<string, Parameter>;

export type ParameterName = keyof typeof parameterTable;
export type Parameters = { readonly [Name in ParameterName]: number };

export const parameterNames = Object.keys(parameterTable).sort() as readonly ParameterName[];

export const initialParameters = (): Parameters =>
  Object.fromEntries(parameterNames.map((name) => [name, parameterTable[name].initial])) as Parameters;

/** Epochs of one day; at least one. */
export const epochsPerDay = ({ epochSeconds }: Pick<Parameters, 'epochSeconds'>): number =>
  Math.max(1, Math.floor(86_400 / epochSeconds));
