import type { Bytes } from '../../core/bytes.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import { err, fault, ok, type Result } from '../../core/result.ts';
import { readCertifiedBlock } from '../block.ts';
import { checkCertificate } from '../certificate.ts';
import { ledgerLimits } from '../protocol.ts';
import type { Keeper } from '../types.ts';
import type { ReplicaStart } from './replica.ts';
import { stateFromParts } from './snapshot.ts';
import type { LedgerSource, SnapshotPart, SourceFault } from './source.ts';
import { withKeepers } from './spans.ts';
import type { ReplicaFault } from './types.ts';

/** What a tab is ready to hold of a stranger's state: a hundred times what 10,000 accounts take. */
const maxSnapshotBytes = 256 * 1024 * 1024;
/** For all parts: each of 65,536 may take its 15 s, and whoever catches up waits for them. */
const patienceMs = 600_000;

/**
 * Begins at a newer epoch block than this device has, without what led there. Believes it only if the keepers that this
 * device knows certified it: a quorum of the same keys. So it says what keepers agreed on, not that they kept the rules:
 * a device that can replay does. If keepers have changed since, it is refused: the blocks between say who came.
 */
export const catchSnapshot = async (
  source: Pick<LedgerSource, 'snapshot'>,
  known: {
    readonly keepers: readonly Keeper[];
    readonly spans: ReplicaStart['spans'];
    readonly height: number;
  },
  {
    crypto,
    clock,
  }: { readonly crypto: Pick<CryptoPort, 'verify'>; readonly clock: Pick<Clock, 'monotonic'> },
): Promise<Result<ReplicaStart, ReplicaFault | SourceFault>> => {
  const until = clock.monotonic() + patienceMs;
  const first = await source.snapshot(0);
  if (!first.ok) return first;
  const certified = readCertifiedBlock(first.value.block);
  if (!certified.ok) return certified;
  const { block } = certified.value;
  if (block.header.height <= known.height || block.header.kind !== 'epoch')
    return err(fault('gap', `its snapshot is of height ${block.header.height}, here is ${known.height}`));
  const agreed = await checkCertificate(certified.value, known.keepers, crypto);
  if (!agreed.ok)
    return refuse(`the keepers known here did not certify the snapshot (${agreed.error.message})`);
  const parts = await collect(source, first.value, () => clock.monotonic() > until);
  if (!parts.ok) return parts;
  const state = stateFromParts(block, parts.value);
  if (!state.ok) return refuse(state.error.message);
  const { height, head, time } = state.value.position;
  return ok({
    state: state.value,
    spans: withKeepers(known.spans, height + 1, state.value.keepers),
    epochBlock: { height, head, time },
    last: { bytes: first.value.block, certified: certified.value },
    snapshot: { height, operations: 0 },
  });
};

const collect = async (
  source: Pick<LedgerSource, 'snapshot'>,
  first: SnapshotPart,
  isLate: () => boolean,
): Promise<Result<readonly Bytes[], ReplicaFault | SourceFault>> => {
  const { of, height } = first;
  if (of < 1 || of > ledgerLimits.maxSnapshotParts) return refuse(`its snapshot has ${of} parts`);
  const parts: Bytes[] = [first.bytes];
  let bytes = first.bytes.byteLength;
  while (parts.length < of) {
    if (isLate()) return err(fault('late', `its snapshot came too slowly: ${parts.length} of ${of} parts`));
    const next = await source.snapshot(parts.length);
    if (!next.ok) return next;
    if (next.value.height !== height || next.value.of !== of)
      return err(fault('gap', 'its snapshot gave way to a newer one meanwhile'));
    bytes += next.value.bytes.byteLength;
    if (bytes > maxSnapshotBytes)
      return refuse(`its snapshot takes more than ${maxSnapshotBytes / 1024 / 1024} MiB`);
    parts.push(next.value.bytes);
  }
  return ok(parts);
};

const refuse = (message: string) => err(fault('block', message));
