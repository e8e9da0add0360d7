/** What no vote can change. */
export const governanceLimits = {
  maxDescription: 2_000,
  maxActions: 8,
  /** Open at a time: what an epoch's end has to look at. */
  maxOpen: 32,
  maxOpenOfOne: 3,
  /** Over, and still shown. */
  maxClosed: 64,
  maxUpgrades: 32,
  /** Of the treasury's grants, of changes of a parameter, and of having acted. */
  windowDays: 30,
  /** One part of so many of the treasury may be granted in a window. */
  grantDivisor: 20,
  /** One part of so many of all eligible power must take part, whoever is active. */
  participationDivisor: 5,
  /** One part of so many of all eligible power vetoes. */
  vetoDivisor: 3,
} as const;
