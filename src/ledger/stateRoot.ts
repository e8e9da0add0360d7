import type { Bytes } from '../core/bytes.ts';
import { treeRoot } from './table/index.ts';
import type { LedgerState } from './types.ts';

/** The content of a state: all of it but its place in the log, which the header that carries the root tells itself. */
export const contentOf = ({ position: _, ...content }: LedgerState) => content;

/** SHA-256 tree over everything the ledger knows: equal roots, equal states. */
export const stateRootOf = (state: LedgerState): Bytes => treeRoot(contentOf(state));
