import * as v from 'valibot';
import type { AccountId, JobId } from '../../core/brand.ts';
import { createStore, type Store } from '../../core/events.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import { countSchema, parseWith } from '../../core/schema.ts';
import { idSchema } from '../../ledger/schemas.ts';
import type { OperationId } from '../../ledger/types.ts';
import { type Strategy, strategyTable } from '../../market/index.ts';
import type { KeyValueStore } from '../../storage/port.ts';

/** Somebody who was there when a budget was set aside, as this device knew it. */
export type ConsideredWorker = {
  readonly account: AccountId;
  readonly name?: string | undefined;
  /** Of the work expected; 0: it was not chosen. */
  readonly share: number;
  /** µVC per million units that it asks for; 0: it makes no offer. */
  readonly minPrice: number;
  /** Units a second; 0: nobody knew. */
  readonly speed: number;
  /** Its tasks for this account that were countersigned, and those lost or wrong. */
  readonly right: number;
  readonly lost: number;
  /** Units it was given in the day before. */
  readonly given: number;
};

/** What the ledger forgets when an order is closed, and the person may still want to know: how a job was to be paid. */
export type PaymentRecord = {
  readonly v: 1;
  readonly job: JobId;
  readonly order: OperationId;
  readonly at: number;
  readonly strategy: Strategy;
  readonly locked: number;
  readonly price: number;
  /** µVC that it was expected to come to; absent where no page had been read here. */
  readonly estimate?:
    | { readonly least: number; readonly most: number; readonly measured: number }
    | undefined;
  readonly workers: readonly ConsideredWorker[];
  /** Why nobody was chosen. */
  readonly nobody?: string | undefined;
  /** Cost that each worker is paid for, as last seen on the ledger. */
  readonly payees: readonly (readonly [account: AccountId, cost: number])[];
};

export interface PaymentBook {
  readonly records: Store<readonly PaymentRecord[]>;
  /** Replaces what is there of the job. */
  put(record: PaymentRecord): void;
}

const keptRecords = 500;
const prefix = 'payment/';

/** Kept on this device. What can't be read or kept is said in the log; without a disk the book lasts as long as the tab. */
export const openPaymentBook = async (deps: {
  readonly store: Pick<KeyValueStore, 'entries' | 'set' | 'delete'>;
  readonly telemetry: Telemetry;
}): Promise<PaymentBook> => {
  const { store, telemetry } = deps;
  const records = createStore<readonly PaymentRecord[]>([]);
  const orLog = (what: Promise<unknown>) =>
    what.catch((cause: unknown) =>
      telemetry.log('warn', 'market', `what a job is paid could not be kept: ${String(cause)}`),
    );
  const add = (more: readonly PaymentRecord[]) => {
    const jobs = new Set(more.map(({ job }) => job));
    const all = [...more, ...records.get().filter(({ job }) => !jobs.has(job))].sort((a, b) => b.at - a.at);
    for (const { job } of all.slice(keptRecords)) void orLog(store.delete('wallet', `${prefix}${job}`));
    records.set(all.slice(0, keptRecords));
  };
  const load = async () => {
    const stored = await store.entries('wallet', prefix);
    add(
      stored.flatMap(([key, value]) => {
        const read = parseWith(recordSchema, value);
        if (!read.ok) telemetry.log('warn', 'market', `${key} could not be read: ${read.error.message}`);
        return read.ok ? read.value : [];
      }),
    );
  };
  await orLog(load());
  return {
    records,
    put(record) {
      add([record]);
      void orLog(store.set('wallet', `${prefix}${record.job}`, record));
    },
  };
};

const count = countSchema(Number.MAX_SAFE_INTEGER);
const account = idSchema<AccountId>();
const recordSchema = v.object({
  v: v.literal(1),
  job: v.pipe(
    v.string(),
    v.maxLength(64),
    v.transform((id) => id as JobId),
  ),
  order: idSchema<OperationId>(),
  at: count,
  strategy: v.picklist(Object.keys(strategyTable) as Strategy[]),
  locked: count,
  price: count,
  estimate: v.optional(v.object({ least: count, most: count, measured: count })),
  workers: v.array(
    v.object({
      account,
      name: v.optional(v.string()),
      share: count,
      minPrice: count,
      speed: count,
      right: count,
      lost: count,
      given: count,
    }),
  ),
  nobody: v.optional(v.string()),
  payees: v.array(v.tuple([account, count])),
}) satisfies v.GenericSchema<unknown, PaymentRecord>;
