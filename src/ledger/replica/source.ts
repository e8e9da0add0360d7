import type { Bytes } from '../../core/bytes.ts';
import type { Subscribe } from '../../core/events.ts';
import type { Fault, Result } from '../../core/result.ts';

/**
 * Somebody who has certified blocks: a keeper, or tabs of the mesh. Nothing it gives is believed: whoever asks checks it, and
 * says by `blame` who sent what does not hold.
 */
export interface LedgerSource {
  readonly name: string;
  /** Keepers are asked first: tabs have no duty. */
  readonly kind: 'keeper' | 'peers';
  /** What it says it has; undefined while it can't be reached. */
  status(): SourceStatus | undefined;
  /** From `after + 1` on, as many as fit into one answer. */
  blocks(after: number, count: number): Promise<Result<Frames, SourceFault>>;
  snapshot(part: number): Promise<Result<SnapshotPart, SourceFault>>;
  readonly news: Subscribe<SourceNews>;
  blame(from: string, reason: string): void;
}

export type SourceStatus = {
  readonly height: number;
  /** The least height that it can still give. */
  readonly earliest: number;
};
export type Frames = { readonly from: string; readonly frames: readonly Bytes[] };
export type SnapshotPart = {
  readonly from: string;
  readonly height: number;
  readonly block: Bytes;
  readonly part: number;
  readonly of: number;
  readonly bytes: Bytes;
};
export type SourceNews =
  /** Its status has changed. */
  | { readonly kind: 'status' }
  /** A block as it became final. */
  | { readonly kind: 'block'; readonly from: string; readonly bytes: Bytes };

export type SourceFault = Fault<'away' | 'refused' | 'late'>;

export type SourceEntry = {
  readonly source: LedgerSource;
  readonly failures: number;
  /** Monotonic milliseconds: not to be asked before. */
  readonly until: number;
  /** The newest block it has sent by itself: its status may be older. */
  readonly told: number;
};

export const heightOf = ({ source, told }: Pick<SourceEntry, 'source' | 'told'>): number | undefined => {
  const status = source.status();
  return status && Math.max(status.height, told);
};

/** Whom to ask for the blocks after a height: keepers first, of those the one that failed least, then the one that has most. */
export const chooseSource = (
  entries: readonly SourceEntry[],
  height: number,
  now: number,
): SourceEntry | undefined =>
  entries
    .filter((entry) => entry.until <= now && (heightOf(entry) ?? 0) > height)
    .sort(
      (a, b) =>
        Number(a.source.kind === 'peers') - Number(b.source.kind === 'peers') ||
        a.failures - b.failures ||
        (heightOf(b) ?? 0) - (heightOf(a) ?? 0),
    )[0];

/** A second, doubled with every failure in a row, at most a minute; who sent what is wrong waits ten. */
export const pauseAfter = (failures: number, wrong: boolean): number =>
  wrong ? 600_000 : Math.min(60_000, 1_000 * 2 ** Math.min(failures, 6));
