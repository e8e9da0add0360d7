import { milliseconds } from '../core/brand.ts';
import type { Telemetry } from '../core/ports/telemetry.ts';
import type { CancelTimer, Timers } from '../core/ports/timers.ts';
import { err, fault, ok } from '../core/result.ts';
import type { NodeStatus } from '../inference/contracts.ts';
import type { Method, Overlay, Rpc } from '../mesh/contracts.ts';

import { isAbout } from './nodeRecord.ts';

export interface Presence {
  /** Tells every peer our status; bursts become one message a second. */
  publish(): void;
  close(): void;
}

/**
 * Tells neighbours what this node is and can do, and hears the same of them. A status is believed only as far as
 * it concerns its sender: account, device and peer must be those its credentials proved. Doesn't know what is done
 * with a status.
 */
export const createPresence = (deps: {
  readonly overlay: Overlay;
  readonly rpc: Rpc;
  readonly method: Method<NodeStatus, null, null>;
  readonly timers: Timers;
  readonly telemetry: Telemetry;
  readonly ownStatus: () => NodeStatus;
  readonly onStatus: (status: NodeStatus) => void;
}): Presence => {
  const { overlay, rpc, method, timers, telemetry } = deps;
  let pending: CancelTimer | undefined;

  const tell = async (peer: NodeStatus['peer']): Promise<void> => {
    const told = await rpc.call(peer, method, deps.ownStatus(), { deadline: milliseconds(10_000) });
    if (!told.ok) telemetry.log('debug', 'presence', `status not delivered: ${told.error.message}`, { peer });
  };

  const stopHandling = rpc.handle(method, async (status, { from }) => {
    const identity = overlay.peers().find(({ peer }) => peer === from);
    if (!identity) return err(fault('refused', 'this node is not linked to you'));
    if (!isAbout(status, identity)) {
      overlay.expel(from, 'it announced the status of somebody else');
      return err(fault('refused', 'a status must be about its sender'));
    }
    deps.onStatus(status);
    return ok(null);
  });
  const stopChanges = overlay.changes((change) => {
    if (change.kind === 'up') void tell(change.peer.peer);
  });
  for (const { peer } of overlay.peers()) void tell(peer);

  return {
    publish() {
      pending ??= timers.after(milliseconds(1_000), () => {
        pending = undefined;
        for (const { peer } of overlay.peers()) void tell(peer);
      });
    },
    close() {
      pending?.();
      stopHandling();
      stopChanges();
    },
  };
};
