import type { ReceiptId } from '../core/brand.ts';
import type { WorkReceipt } from './contracts.ts';

/**
 * A receipt on its way to being whole at both sides.
 * `worker`: our claim, waiting for the requester's signature. `requester`: we signed, the worker hasn't confirmed yet.
 */
export type OutboxEntry = {
  readonly v: 1;
  readonly role: 'worker' | 'requester';
  readonly receipt: WorkReceipt;
};

/**
 * Where half-delivered receipts wait for the other side to come back. Keyed by the receipt's id. Writes resolve when
 * kept (they are worth credits: ask for strict durability) and reject when they could not be. What it lists is
 * `unknown`, checked by the reader. Receipts that are whole and delivered belong to `app`, not here.
 */
export interface ReceiptOutboxStore {
  put(entry: OutboxEntry): Promise<void>;
  delete(id: ReceiptId): Promise<void>;
  list(): Promise<readonly unknown[]>;
}

export const createMemoryReceiptOutboxStore = (): ReceiptOutboxStore => {
  const entriesById = new Map<ReceiptId, OutboxEntry>();
  return {
    async put(entry) {
      entriesById.set(entry.receipt.id, entry);
    },
    async delete(id) {
      entriesById.delete(id);
    },
    list: async () => [...entriesById.values()],
  };
};
