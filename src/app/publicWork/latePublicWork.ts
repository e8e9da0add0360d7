import { createStore, follow, type Store } from '../../core/events.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import { err } from '../../core/result.ts';
import type { LedgerAccess } from '../../ledger/access.ts';
import type { Holder } from '../../ledger/wallet/outbox.ts';
import type { PublicWorkCommands, PublicWorkView } from '../publicWorkView.ts';
import { getFromHost } from './get.ts';
import type { PublicWork, PublicWorkDeps } from './openPublicWork.ts';
import { createPageSource } from './source.ts';

export type LatePublicWorkDeps = Omit<PublicWorkDeps, 'ledger' | 'holder' | 'source'> & {
  readonly crypto: Pick<CryptoPort, 'digest'>;
  /** The ledger of this page, once it is open. */
  readonly opened: Store<
    { readonly access: LedgerAccess; readonly holder: Store<Holder | undefined> } | undefined
  >;
};

/** Public work for a page whose ledger comes late or never: its code comes with the ledger. */
export const createLatePublicWork = (deps: LatePublicWorkDeps): Pick<PublicWork, 'view' | 'commands'> => {
  const view = createStore<PublicWorkView>({ phase: 'off', reason: 'The ledger is not open here.' });
  let work: PublicWork | undefined;
  let begun = false;

  const open = async (access: LedgerAccess, holder: Store<Holder | undefined>): Promise<void> => {
    const { openPublicWork } = await import('./openPublicWork.ts');
    const source = createPageSource({ get: getFromHost, crypto: deps.crypto });
    work = openPublicWork({ ...deps, ledger: access, holder, source });
    follow(work.view, view.set);
  };
  follow(deps.opened, (ledger) => {
    if (!ledger || begun) return;
    begun = true;
    view.set({ phase: 'opening' });
    open(ledger.access, ledger.holder).catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      deps.telemetry.log('error', 'public work', reason);
      view.set({ phase: 'off', reason: `Public work could not be opened: ${reason}. Reload the page.` });
    });
  });
  const refused = async () => err('The ledger is not open here yet.');
  const commands: PublicWorkCommands = {
    setPublicWork: (wanted) => work?.commands.setPublicWork(wanted) ?? refused(),
    proposeListing: (input) => work?.commands.proposeListing(input) ?? refused(),
    cancelListing: () => work?.commands.cancelListing(),
  };
  return { view, commands };
};
