/** Bounds of the state and of an epoch's work. Not governed: they follow from what a tab can do at the end of an epoch. */
export const mintLimits = {
  maxListings: 256,
  maxUnits: 2 ** 24,
  maxCost: 1_000_000_000,
  maxCpuMilliseconds: 1_000_000_000_000,
  maxMemoryMegabyteSeconds: 100_000_000_000_000,
  minReferences: 2,
  maxReferences: 8,
  /** Units that are worked on at one time, over all listings. With the cap of an epoch this keeps its sum exact. */
  maxLive: 2_048,
  /** Units asked for and not yet drawn, over all listings: what a drawing sorts. */
  maxWaiting: 8_192,
  /** Units one account may ask for or hold: a newcomer one more than its streak. */
  maxVeteranUnits: 64,
  maxKeeperUnits: 256,
  /** An account that was not drawn for so long is taken to be gone. */
  enrolmentEpochs: 6,
  /** To commit, to reveal, to open, to judge. */
  turnEpochs: 3,
  /** A newcomer that has committed waits so long for another partner before its unit is given back. */
  partnerEpochs: 36,
  /** Reviewers that are drawn for a unit, one after the other, before it is void. */
  maxReviewers: 3,
  /** Entries of a worker's queue. */
  maxVesting: 256,
} as const;
