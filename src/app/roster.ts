import type { PeerId } from '../core/brand.ts';
import { createEmitter, follow, type Subscribe } from '../core/events.ts';
import type { PeerIdentity } from '../identity/index.ts';
import type { NodeStatus } from '../inference/contracts.ts';
import type { Directory, Overlay } from '../mesh/index.ts';

export type RosterChange =
  | { readonly kind: 'heard'; readonly status: NodeStatus }
  | { readonly kind: 'gone'; readonly peer: PeerId; readonly reason: string };

export interface Roster {
  readonly changes: Subscribe<RosterChange>;
  /** Who it has proved to be, over a link or by its record. */
  identityOf(peer: PeerId): PeerIdentity | undefined;
  /** What a linked peer has said of itself. */
  told(status: NodeStatus): void;
}

/**
 * Everybody in the swarm, linked or not: present while there is a link or a record that has not expired. Doesn't know how
 * either comes about.
 */
export const createRoster = (deps: {
  readonly overlay: Pick<Overlay, 'peers' | 'changes'>;
  readonly directory: Pick<Directory<NodeStatus>, 'records' | 'forget'>;
}): Roster => {
  const { overlay, directory } = deps;
  const changes = createEmitter<RosterChange>();
  const present = new Set<PeerId>();
  const linked = (peer: PeerId) => overlay.peers().find((known) => known.peer === peer);

  const heard = (status: NodeStatus) => {
    present.add(status.peer);
    changes.emit({ kind: 'heard', status });
  };
  const check = (peer: PeerId, reason: string) => {
    if (!present.has(peer) || linked(peer) || directory.records.get().has(peer)) return;
    present.delete(peer);
    changes.emit({ kind: 'gone', peer, reason });
  };

  overlay.changes((change) => {
    if (change.kind !== 'down') return;
    // A link that broke says that the tab may be dead; if it isn't, its next record says so.
    if (change.reason.code !== 'closed-there' && change.reason.code !== 'closed-here')
      directory.forget(change.peer);
    check(change.peer, change.reason.message);
  });
  let before = directory.records.get();
  follow(directory.records, (records) => {
    const old = before;
    before = records;
    for (const [peer, record] of records) if (old.get(peer) !== record) heard(record.about);
    for (const peer of old.keys())
      if (!records.has(peer)) check(peer, 'it has not been heard of for minutes');
  });

  return {
    changes: changes.subscribe,
    told: heard,
    identityOf: (peer) => linked(peer) ?? directory.records.get().get(peer)?.identity,
  };
};
