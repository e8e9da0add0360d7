/**
 * Notices that large frames don't arrive where small ones do. Some paths swallow packets above their size without a word
 * (a tunnel in between, and the reports of it filtered): then a connection comes about, greetings pass, and the first long
 * message is sent again and again for ever, with all behind it, for a data channel keeps its order. What SCTP has taken
 * can't be called back, so the link must end, and the next one to this peer take the path for narrow from the start.
 * Knows counts and times; doesn't know the channel.
 */
/** Nothing left and nothing was answered for so long: SCTP has sent it again several times by then (RFC 9260 §6.3.1). */
const stuckAfter = 3_000;
/** A link that ends for another reason has found out as much after half of that: the other side may be quicker to give up. */
const suspectAfter = 1_500;

export type StallWatch = {
  /** Frames above the small size that were handed over, and how many of them are known to have arrived. */
  readonly large: number;
  readonly arrived: number;
  /** The most bytes that had left the channel at any look, and those that waited in it at the last. */
  readonly left: number;
  readonly unsent: number;
  /** What waited at the look before has left since: the other side's SCTP makes room by acknowledging. */
  readonly moved: boolean;
  /** Since then no large frame has shown a sign of moving; undefined while none is under way. */
  readonly since: number | undefined;
};

export const startStallWatch: StallWatch = {
  large: 0,
  arrived: 0,
  left: 0,
  unsent: 0,
  moved: false,
  since: undefined,
};

/** A pong has come: what was handed over before its ping has arrived. */
export const arrivedUpTo = (watch: StallWatch, large: number): StallWatch =>
  large > watch.arrived ? { ...watch, arrived: large, since: undefined } : watch;

/** `large`, `left`: totals of the send queue. `unsent`: bytes that wait in the channel. */
export const lookForStall = (
  watch: StallWatch,
  seen: { readonly now: number; readonly large: number; readonly left: number; readonly unsent: number },
): StallWatch => {
  const { now, large, left, unsent } = seen;
  // What never had to wait may have left towards nobody.
  const moved = left > watch.left && watch.unsent > 0;
  // What keeps the link alive comes and goes in the same channel, and is no sign of progress.
  const since = large > watch.arrived ? (moved ? now : (watch.since ?? now)) : undefined;
  return { large, arrived: watch.arrived, left: Math.max(left, watch.left), unsent, moved, since };
};

/** Something is under way of which it is not known that it arrived: it is worth a ping. */
export const isUnproven = (watch: StallWatch): boolean => watch.large > watch.arrived;

/** `patience`: how much longer than others this tab must wait, because it is late itself. */
export const isStuck = (watch: StallWatch, now: number, patience: number): boolean =>
  watch.since !== undefined && now - watch.since >= stuckAfter * patience;

export const isSuspect = (watch: StallWatch, now: number): boolean =>
  watch.since !== undefined && now - watch.since >= suspectAfter;
