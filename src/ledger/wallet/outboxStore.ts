import type { AccountId } from '../../core/brand.ts';
import type { Fault } from '../../core/result.ts';
import type { KeyValueStore } from '../../storage/port.ts';
import type { NetId } from '../types.ts';
import { type Intent, intentRecord, readIntent } from './intents.ts';

/**
 * Where intents are kept, for all tabs of a device. `put` resolves when the disk has it; `forget` leaves alone what is gone. What can't be read is left where it is
 * and told: it may be whole for another version of the page.
 */
export interface OutboxStore {
  put(intent: Intent): Promise<void>;
  forget(intent: Intent): Promise<void>;
  list(): Promise<{ readonly intents: readonly Intent[]; readonly unreadable: readonly Unreadable[] }>;
}

export type Unreadable = Fault<'newer' | 'damaged'> & { readonly key: string };

export const createOutboxStore = (
  store: Pick<KeyValueStore, 'set' | 'entries' | 'delete'>,
  net: NetId,
  account: AccountId,
): OutboxStore => {
  const prefix = `${net}/${account}/`;
  const keyOf = ({ seq, id }: Intent) => `${prefix}${String(seq).padStart(16, '0')}/${id}`;
  return {
    put: (intent) => store.set('wallet', keyOf(intent), intentRecord(intent), 'strict'),
    forget: (intent) => store.delete('wallet', keyOf(intent)),
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
