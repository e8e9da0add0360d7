import { unwrap } from '../../../src/core/result.ts';
import { blockBytes, certifiedBlockBytes, readBlock, readCertifiedBlock } from '../../../src/ledger/block.ts';
import type { KeeperMessage } from '../../../src/ledger/keeper/types.ts';
import { consensusBytes, readConsensusMessage } from '../../../src/ledger/messages.ts';
import { readOperation } from '../../../src/ledger/operation.ts';
import type { BlockId, CertifiedBlock, ReadOperation } from '../../../src/ledger/types.ts';
import { createEventQueue } from '../mesh/queue.ts';
import type { SeededRandom } from '../random.ts';
import type { LedgerPlan } from './plan.ts';

/** What travels. Objects, shared by all; in some histories they go through their bytes. */
export type Packet =
  | { readonly t: 'agree'; readonly message: KeeperMessage }
  | { readonly t: 'operation'; readonly operation: ReadOperation; readonly from: 'owner' | 'keeper' }
  | { readonly t: 'certified'; readonly certified: CertifiedBlock }
  | { readonly t: 'get'; readonly after: number }
  | { readonly t: 'want'; readonly block: BlockId };

export type Address = number;
export type Receiver = (from: Address, packet: Packet) => void | Promise<void>;

/** Keepers have their seats as addresses; everybody else has a greater one. After `healAt` nothing is lost any more. */
export interface Network {
  readonly now: number;
  after(ms: number, run: () => void | Promise<void>): void;
  attach(address: Address, receiver: Receiver): void;
  send(from: Address, to: Address, packet: Packet): void;
  /** Until `done`, or until a moment. */
  runUntil(done: () => boolean, end: number): Promise<boolean>;
}

export const createNetwork = (plan: LedgerPlan, random: SeededRandom): Network => {
  const queue = createEventQueue<() => void | Promise<void>>();
  const receivers = new Map<Address, Receiver>();
  let now = 0;
  const cut = (from: Address, to: Address): boolean =>
    plan.partitions.some(
      (part) =>
        now >= part.from && now < part.until && ((part.alone >> from) & 1) !== ((part.alone >> to) & 1),
    );
  const delay = (): number =>
    now < plan.healAt && random.chance(plan.late) ? random.between(5, 1_000) : random.between(2, 40);
  const network: Network = {
    get now() {
      return now;
    },
    after: (ms, run) => queue.push(now + Math.max(0, ms), run),
    attach: (address, receiver) => void receivers.set(address, receiver),
    send(from, to, packet) {
      const troubled = now < plan.healAt;
      if (troubled && (random.chance(plan.drop) || cut(from, to))) return;
      const arriving = plan.encoded ? throughBytes(packet) : packet;
      const deliver = () => receivers.get(to)?.(from, arriving);
      queue.push(now + delay(), deliver);
      if (troubled && random.chance(plan.duplicate))
        queue.push(now + delay() + random.between(0, 500), deliver);
    },
    async runUntil(done, end) {
      while (!done()) {
        const at = queue.nextAt();
        if (at === undefined || at > end) return false;
        const next = queue.pop();
        if (!next) return false;
        now = Math.max(now, next.at);
        const waiting = next.event();
        if (waiting) await waiting;
      }
      return true;
    },
  };
  return network;
};

const throughBytes = (packet: Packet): Packet => {
  switch (packet.t) {
    case 'agree':
      return { t: 'agree', message: messageThroughBytes(packet.message) };
    case 'operation':
      return { ...packet, operation: unwrap(readOperation(packet.operation)) };
    case 'certified': {
      // A liar's block may be one that no reader accepts.
      const read = readCertifiedBlock(certifiedBlockBytes(packet.certified));
      return read.ok
        ? { t: 'certified', certified: read.value }
        : { t: 'get', after: Number.MAX_SAFE_INTEGER };
    }
    default:
      return packet;
  }
};

const messageThroughBytes = (message: KeeperMessage): KeeperMessage => {
  if (message.kind === 'quorum') {
    const content = unwrap(readConsensusMessage(consensusBytes(message.quorum.content)));
    if (content.type === 'proposal') throw new Error('a proposal has no quorum');
    return { kind: 'quorum', quorum: { ...message.quorum, content } };
  }
  const { bytes, signature } = message.message;
  const content = unwrap(readConsensusMessage(bytes));
  const block = message.block && readBlock(blockBytes(message.block));
  return { ...message, message: { bytes, signature, content }, block: block?.ok ? block.value : undefined };
};
