import type { Clock } from '../core/ports/clock.ts';
import type { Timers } from '../core/ports/timers.ts';
import type { KeyValueStore } from '../storage/port.ts';
import { createJournal, type JournalOptions, journalDefaults } from './journal.ts';
import type { LogBook } from './logs/logBook.ts';
import { parseLogEntry } from './logs/query.ts';
import { parseSpanRecord } from './traces/records.ts';
import type { SpanRing } from './traces/ring.ts';

/** Those that are open, for whoever flushes and closes them. */
export type Journals = {
  all: readonly { flush(): Promise<void>; close(): Promise<void>; dropped(): number }[];
};

/** Logs and spans outlive the tab from now on. Loaded when there is a store: nothing is kept before. */
export const openJournals = async (
  deps: {
    readonly clock: Clock;
    readonly store: KeyValueStore;
    readonly timers: Timers;
    readonly tab: string;
    readonly logs: LogBook;
    readonly ring: SpanRing;
  },
  options: Partial<Omit<JournalOptions, 'namespace'>> = {},
  journals: Journals,
): Promise<void> => {
  const settings = { ...journalDefaults, ...options };
  const entries = createJournal({ ...deps, parse: parseLogEntry }, { ...settings, namespace: 'logs' });
  const spans = createJournal({ ...deps, parse: parseSpanRecord }, { ...settings, namespace: 'spans' });
  journals.all = [entries, spans];
  deps.logs.keepIn(entries, deps.tab);
  await deps.ring.keepIn(spans);
};
