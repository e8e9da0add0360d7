import { createStore, type Store } from '../../core/events.ts';
import { err } from '../../core/result.ts';
import type { PublicWorkCommands, PublicWorkView } from '../publicWorkView.ts';

const refuse = async () => err('There is no ledger here.');

/** What the page shows and answers where nobody keeps a ledger: nothing could be paid. */
export const noPublicWork: { readonly view: Store<PublicWorkView>; readonly commands: PublicWorkCommands } = {
  view: createStore<PublicWorkView>({ phase: 'off', reason: 'This host keeps no ledger.' }),
  commands: { setPublicWork: refuse, proposeListing: refuse, cancelListing() {} },
};
