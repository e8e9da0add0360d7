import * as v from 'valibot';
import type { AccountId, Milliseconds, PeerId, ReceiptId } from '../core/brand.ts';
import { milliseconds } from '../core/brand.ts';
import { equalBytes } from '../core/bytes.ts';
import { createEmitter, type Subscribe } from '../core/events.ts';
import type { CryptoPort, SigningKey } from '../core/ports/crypto.ts';
import type { Telemetry } from '../core/ports/telemetry.ts';
import type { CancelTimer, Timers } from '../core/ports/timers.ts';
import { ok } from '../core/result.ts';
import { parseWith } from '../core/schema.ts';
import type { PeerIdentity } from '../identity/types.ts';
import type { Rpc } from '../mesh/contracts.ts';
import type { WorkReceipt } from './contracts.ts';
import { type Countersignature, reclaimMethod, settleMethod } from './protocol.ts';
import type { OutboxEntry, ReceiptOutboxStore } from './receiptStore.ts';
import { countersign, verifyReceipt, verifyWorkerHalf } from './receipts.ts';
import { inferenceLimits, receiptSchema } from './schemas.ts';

export interface Settlement {
  /** Receipts as they become claims or whole. */
  readonly receipts: Subscribe<WorkReceipt>;
  /** As worker: we did it, the requester's signature is still to come. */
  claimed(claim: WorkReceipt): Promise<void>;
  /** As requester: we stand by these. Signs them, keeps them until their workers have them, and delivers them. */
  settle(claims: readonly WorkReceipt[]): Promise<void>;
  /** Somebody is (back) here: what its device is owed, and what it owes, goes on its way. */
  greet(peer: PeerId): Promise<void>;
  /** Reads what an earlier tab left behind. */
  load(): Promise<void>;
  close(): void;
}

export type SettlementDeps = {
  readonly self: { readonly account: AccountId; readonly deviceSigner: SigningKey };
  readonly rpc: Rpc;
  readonly store: ReceiptOutboxStore;
  readonly crypto: Pick<CryptoPort, 'verify'>;
  readonly telemetry: Telemetry;
  readonly timers: Timers;
  readonly identityOf: (peer: PeerId) => PeerIdentity | undefined;
  /** The tabs of a device that are here. */
  readonly peersOfDevice: (deviceKey: Uint8Array) => readonly PeerId[];
  /** Whether the claim's job has ended here without accepting it; false where the job is unknown or still runs. */
  readonly isRefused: (claim: WorkReceipt) => boolean;
};

const callDeadline: Milliseconds = milliseconds(15_000);
const retryAfter: Milliseconds = milliseconds(30_000);
/** Claims that nobody ever signed; the oldest go first. */
const rememberedEntries = 5_000;

/**
 * How half-signed receipts become whole at both sides, whoever leaves in between: an entry waits in the outbox until
 * the other side has confirmed it, and is offered again when that device is back. Everything is idempotent, because
 * a confirmation can be lost too. Doesn't know jobs, nor what is done with whole receipts.
 */
export const createSettlement = (deps: SettlementDeps): Settlement => {
  const { rpc, telemetry } = deps;
  const receipts = createEmitter<WorkReceipt>();
  const entriesById = new Map<ReceiptId, OutboxEntry>();
  const retriesByPeer = new Map<PeerId, CancelTimer>();

  const keep = async (entry: OutboxEntry): Promise<void> => {
    entriesById.set(entry.receipt.id, entry);
    for (const id of [...entriesById.keys()].slice(0, -rememberedEntries)) await drop(id);
    await attempt(() => deps.store.put(entry), 'kept');
  };
  const drop = async (id: ReceiptId): Promise<void> => {
    entriesById.delete(id);
    await attempt(() => deps.store.delete(id), 'removed');
  };
  const attempt = async (write: () => Promise<void>, what: string): Promise<void> => {
    try {
      await write();
    } catch (cause) {
      // In memory it still counts; a reload would lose it, and the log says so.
      telemetry.log('warn', 'receipts', `a receipt could not be ${what}: ${messageOf(cause)}`);
    }
  };
  const entriesFor = (deviceKey: Uint8Array, role: OutboxEntry['role']): readonly WorkReceipt[] =>
    [...entriesById.values()]
      .filter((entry) => entry.role === role && equalBytes(otherParty(entry).deviceKey, deviceKey))
      .map(({ receipt }) => receipt)
      .slice(0, inferenceLimits.maxReceiptsPerMessage);

  /** A call can fail while the link holds; when it is gone, coming back is what tries again. */
  const retryLater = (peer: PeerId): void => {
    if (retriesByPeer.has(peer)) return;
    const cancel = deps.timers.after(retryAfter, () => {
      retriesByPeer.delete(peer);
      void greet(peer);
    });
    retriesByPeer.set(peer, cancel);
  };
  const greet = async (peer: PeerId): Promise<void> => {
    const identity = deps.identityOf(peer);
    if (!identity || identity.account === deps.self.account) return;
    await deliver(peer, identity.deviceKey);
    await reclaim(peer, identity.deviceKey);
  };

  const deliver = async (peer: PeerId, deviceKey: Uint8Array): Promise<void> => {
    const owed = entriesFor(deviceKey, 'requester');
    if (owed.length === 0) return;
    const answer = await rpc.call(peer, settleMethod, { receipts: owed }, { deadline: callDeadline });
    if (!answer.ok) {
      retryLater(peer);
      return;
    }
    const asked = new Set(owed.map(({ id }) => id));
    const kept = answer.value.kept.filter((id) => asked.has(id));
    for (const id of kept) await drop(id);
    if (kept.length > 0) await deliver(peer, deviceKey);
  };

  /** The worker's side of a countersignature. Our own signature in it proves that the work was ours. */
  const takeWhole = async (receipt: WorkReceipt): Promise<boolean> => {
    const ours = equalBytes(receipt.body.worker.deviceKey, deps.self.deviceSigner.publicKey);
    const verified = ours ? await verifyReceipt(receipt, deps.crypto) : undefined;
    if (!verified?.ok) {
      const reason = verified ? verified.error.message : 'it names another device';
      telemetry.log('warn', 'receipts', `a countersigned receipt was refused: ${reason}`);
      return false;
    }
    receipts.emit(receipt);
    await drop(receipt.id);
    return true;
  };

  const reclaim = async (peer: PeerId, deviceKey: Uint8Array): Promise<void> => {
    const claims = entriesFor(deviceKey, 'worker');
    if (claims.length === 0) return;
    const answer = await rpc.call(peer, reclaimMethod, { claims }, { deadline: callDeadline });
    if (!answer.ok) {
      retryLater(peer);
      return;
    }
    const claimsById = new Map(claims.map((claim) => [claim.id, claim]));
    for (const { id, signature } of answer.value.signed) {
      const claim = claimsById.get(id);
      if (claim) await takeWhole({ ...claim, requesterSignature: signature });
    }
    for (const id of answer.value.refused) if (claimsById.has(id)) await drop(id);
  };

  const stopSettle = rpc.handle(settleMethod, async ({ receipts: offered }) => {
    const kept: ReceiptId[] = [];
    for (const receipt of offered) if (await takeWhole(receipt)) kept.push(receipt.id);
    return ok({ kept });
  });

  const stopReclaim = rpc.handle(reclaimMethod, async ({ claims }, { from }) => {
    const deviceKey = deps.identityOf(from)?.deviceKey;
    const signed: Countersignature[] = [];
    const refused: ReceiptId[] = [];
    for (const claim of claims) {
      const entry = entriesById.get(claim.id);
      if (!deviceKey || !equalBytes(claim.body.worker.deviceKey, deviceKey)) refused.push(claim.id);
      else if (entry?.role === 'requester') signed.push(...toCountersignature(entry.receipt));
      else if (deps.isRefused(claim)) refused.push(claim.id);
    }
    return ok({ signed, refused });
  });

  return {
    receipts: receipts.subscribe,
    async claimed(claim) {
      receipts.emit(claim);
      await keep({ v: 1, role: 'worker', receipt: claim });
    },
    async settle(claims) {
      const deviceKeys: Uint8Array[] = [];
      for (const claim of claims) {
        if (entriesById.has(claim.id)) continue;
        const receipt = await countersign(claim, deps.self.deviceSigner);
        await keep({ v: 1, role: 'requester', receipt });
        receipts.emit(receipt);
        const { deviceKey } = claim.body.worker;
        if (!deviceKeys.some((known) => equalBytes(known, deviceKey))) deviceKeys.push(deviceKey);
      }
      for (const deviceKey of deviceKeys) {
        const [peer] = deps.peersOfDevice(deviceKey);
        if (peer) void deliver(peer, deviceKey);
      }
    },
    greet,
    async load() {
      for (const stored of await deps.store.list()) {
        const entry = parseWith(outboxEntrySchema, stored);
        const sound = entry.ok && (await verifyWorkerHalf(entry.value.receipt, deps.crypto)).ok;
        if (!sound) telemetry.log('warn', 'receipts', 'a stored receipt is damaged and was skipped');
        else entriesById.set(entry.value.receipt.id, entry.value);
      }
    },
    close() {
      stopSettle();
      stopReclaim();
      for (const cancel of retriesByPeer.values()) cancel();
    },
  };
};

const outboxEntrySchema = v.strictObject({
  v: v.literal(1),
  role: v.picklist(['worker', 'requester']),
  receipt: receiptSchema,
});

const otherParty = ({ role, receipt }: OutboxEntry) =>
  role === 'worker' ? receipt.body.requester : receipt.body.worker;
const toCountersignature = ({ id, requesterSignature }: WorkReceipt): readonly Countersignature[] =>
  requesterSignature ? [{ id, signature: requesterSignature }] : [];
const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
