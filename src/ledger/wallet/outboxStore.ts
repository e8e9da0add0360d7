import type { AccountId } from '../../core/brand.ts';
import type { Fault } from '../../core/result.ts';
import type { KeyValueStore } from '../../storage/port.ts';
import type { NetId } from '../types.ts';
import { type Intent, intentRecord, readIntent } from './intents.ts';

/**
 * Where intents are kept, for all tabs of a device. `put` resolves when the disk has it. What can't be read is left where it is
 * and told: it may be whole for another version of the page.
 */
export interface OutboxStore {
  put(intent: Intent): Promise<void>;
  list(): Promise<{ readonly intents: readonly Intent[]; readonly unreadable: readonly Unreadable[] }>;
}

export type Unreadable = Fault<'newer' | 'damaged'> & { readonly key: string };

export const createOutboxStore = (
  store: Pick<KeyValueStore, 'set' | 'entries'>,
  net: NetId,
  account: AccountId,
): OutboxStore => {
  const prefix = `${net}/${account}/`;
  return {
    put: (intent) =>
      store.set(
        'wallet',
        `${prefix}${String(intent.seq).padStart(16, '0')}/${intent.id}`,
        intentRecord(intent),
        'strict',
      ),
    async list() {
      const intents: Intent[] = [];
      const unreadable: Unreadable[] = [];
      for (const [key, record] of await store.entries('wallet', prefix)) {
        const read = readIntent(record);
        if (read.ok) intents.push(read.value);
        else unreadable.push({ key, ...read.error });
      }
      return { intents, unreadable };
    },
  };
};
