import type { Telemetry } from '../core/ports/telemetry.ts';
import { parseWith } from '../core/schema.ts';
import type { WorkReceipt } from '../inference/contracts.ts';
import { receiptSchema } from '../inference/index.ts';
import type { ReceiptArchive } from '../platform/browser/jobStore.ts';
import type { CreditBook } from './credits.ts';

/**
 * Receipts arrive as values, are kept, and are counted. This is where a ledger will take them from. A record that is not
 * a receipt (damaged, of another version) is skipped and said.
 */
export const keepReceipts = async (deps: {
  readonly archive: ReceiptArchive;
  readonly book: CreditBook;
  readonly telemetry: Telemetry;
}): Promise<(receipt: WorkReceipt) => void> => {
  const { archive, book, telemetry } = deps;
  try {
    for (const stored of await archive.list()) {
      const receipt = parseWith(receiptSchema, stored);
      if (receipt.ok) book.add(receipt.value);
      else telemetry.log('warn', 'receipts', `a stored receipt could not be read: ${receipt.error.message}`);
    }
  } catch (cause) {
    telemetry.log('warn', 'receipts', `stored receipts could not be listed: ${String(cause)}`);
  }
  return (receipt) => {
    book.add(receipt);
    archive.put(receipt).catch((cause: unknown) => {
      telemetry.log('warn', 'receipts', `a receipt lasts only as long as this tab: ${String(cause)}`);
    });
  };
};
