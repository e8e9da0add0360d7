import { byteCount } from '../core/brand.ts';
import type { Bytes } from '../core/bytes.ts';
import { type CborValue, encodeCbor } from '../core/codec.ts';
import { err, type Fault, fault, type Result } from '../core/result.ts';
import { decodeWith } from '../core/schema.ts';
import type { PeerIdentity } from '../identity/index.ts';
import type { NodeStatus } from '../inference/contracts.ts';
import { nodeStatusSchema } from '../inference/index.ts';
import type { Capabilities } from '../mesh/index.ts';

/** What the swarm may look for in this node. */
export const capabilitiesOf = (status: NodeStatus): Capabilities => ({
  models: Object.values(status.models),
  gpu: status.profile.gpu.kind === 'adapter' && !status.profile.gpu.software,
  memory: byteCount(Math.round((status.profile.memoryGiB ?? 0) * 2 ** 30)),
  freeSlots: status.accepts.open ? Math.max(0, status.slots - status.queued) : 0,
});

export const encodeStatus = (status: NodeStatus): Bytes => encodeCbor(status as unknown as CborValue);

/** A status is believed only as far as it concerns its sender: peer, account and device are those it has proved. */
export const readStatus = (bytes: Bytes, from: PeerIdentity): Result<NodeStatus, Fault> => {
  const status = decodeWith(nodeStatusSchema, bytes);
  if (!status.ok) return status;
  return isAbout(status.value, from)
    ? status
    : err(fault('status', 'it announced the status of somebody else'));
};

export const isAbout = (status: NodeStatus, { peer, account, device }: PeerIdentity): boolean =>
  status.peer === peer && status.account === account && status.device === device;
