import { createStore, type Store } from '../core/events.ts';
import { err } from '../core/result.ts';
import type { LedgerCommands, LedgerView } from './ledgerView.ts';

const refuse = async () => err('There is no ledger here.');

/** What the Wallet screen shows and answers where nobody keeps a ledger. */
export const noLedger: { readonly view: Store<LedgerView>; readonly commands: LedgerCommands } = {
  view: createStore<LedgerView>({ phase: 'off', reason: 'This host keeps no ledger.' }),
  commands: {
    sendMoney: refuse,
    dismissOperation: async () => {},
    moveWalletHere: refuse,
    offerWork: refuse,
    cancelOrder: refuse,
    propose: refuse,
    vote: refuse,
    veto: refuse,
    delegateTo: refuse,
    openLedgerItem: refuse,
    verifyLedgerItem: refuse,
    exportLedgerItem: refuse,
  },
};
