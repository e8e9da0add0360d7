import { createStore, follow, type Store } from '../../core/events.ts';
import { err, fault } from '../../core/result.ts';
import type { PriceGate } from '../../inference/contracts.ts';
import type { LedgerCommands, LedgerView } from '../ledgerView.ts';
import type { OpenedLedger, OpenedLedgerDeps } from './openedLedger.ts';

export type LateLedger = {
  readonly view: Store<LedgerView>;
  readonly commands: LedgerCommands;
  /** Undefined until it is open. */
  readonly opened: Store<OpenedLedger | undefined>;
  readonly payments: PriceGate;
  /** Begins, once; a person who is alone by choice has none. */
  start(): void;
  refresh(): void;
};

const alone =
  'The ledger is shared: choose under “This device” to take part in the swarm, and it opens here.';

/**
 * The ledger for a page that may never need it: its code and its worker come after the page is there. Until then commands say
 * so in words.
 */
export const createLateLedger = (deps: OpenedLedgerDeps): LateLedger => {
  const view = createStore<LedgerView>({ phase: 'off', reason: alone });
  const opened = createStore<OpenedLedger | undefined>(undefined);
  let started = false;

  const open = async (): Promise<void> => {
    view.set({ phase: 'opening', progress: undefined });
    try {
      const { openLedgerHere } = await import('./openedLedger.ts');
      const result = await openLedgerHere(deps);
      if (!result.ok) {
        view.set({ phase: 'off', reason: `${capitalised(result.error.message)}.` });
        return;
      }
      opened.set(result.value);
      follow(result.value.screen.view, view.set);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      deps.telemetry.log('error', 'ledger', `the ledger could not be opened: ${reason}`);
      view.set({ phase: 'off', reason: `The ledger could not be opened: ${reason}. Reload the page.` });
    }
  };
  const now = () => opened.get()?.screen.commands;
  const refused = async () => err('The ledger is not open here yet.');

  return {
    view,
    opened,
    payments: {
      reserve: async (...asked) =>
        opened.get()?.payments.reserve(...asked) ??
        err(fault('budget', 'the ledger is not open here yet: wait a moment, or ask without a budget')),
      preferences: (job) => opened.get()?.payments.preferences(job),
      ended: (job) => opened.get()?.payments.ended(job),
    },
    start() {
      if (started) return;
      started = true;
      void open();
    },
    refresh: () => opened.get()?.screen.refresh(),
    commands: {
      sendMoney: (input) => now()?.sendMoney(input) ?? refused(),
      dismissOperation: async (id) => now()?.dismissOperation(id),
      moveWalletHere: (key) => now()?.moveWalletHere(key) ?? refused(),
      offerWork: (input) => now()?.offerWork(input) ?? refused(),
      estimateReading: (pages) => now()?.estimateReading(pages) ?? refused(),
      cancelOrder: (id) => now()?.cancelOrder(id) ?? refused(),
      propose: (input) => now()?.propose(input) ?? refused(),
      vote: (proposal, choice) => now()?.vote(proposal, choice) ?? refused(),
      veto: (proposal) => now()?.veto(proposal) ?? refused(),
      delegateTo: (account) => now()?.delegateTo(account) ?? refused(),
      openLedgerItem: (query) => now()?.openLedgerItem(query) ?? refused(),
      verifyLedgerItem: (id) => now()?.verifyLedgerItem(id) ?? refused(),
      exportLedgerItem: (id, format) => now()?.exportLedgerItem(id, format) ?? refused(),
      readForkProof: (file) => now()?.readForkProof(file) ?? refused(),
    },
  };
};

const capitalised = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
