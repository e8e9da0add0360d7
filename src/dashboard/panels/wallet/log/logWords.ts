import type { BlockSummary, ChainView, ExplorerItem, KeeperView } from '../../../../app/readModels.ts';
import { formatCount, formatInteger } from '../../../kit/format.ts';

export const connectionInWords: Record<KeeperView['connection'], string> = {
  connected: 'connected',
  connecting: 'connecting…',
  unreachable: 'can’t be reached',
  unknown: 'not tried yet',
};

export const blockInWords = ({ kind, operations }: Pick<BlockSummary, 'kind' | 'operations'>): string =>
  kind === 'epoch' ? 'End of an epoch' : formatCount(operations, 'operation');

/** How many must agree, and what that protects from. */
export const agreementInWords = ({
  keepers,
  quorum,
  faults,
}: Pick<ChainView, 'keepers' | 'quorum' | 'faults'>): string =>
  keepers.length === 1
    ? 'one keeper orders alone'
    : `${quorum} of ${keepers.length} keepers must agree; ${faults === 1 ? 'one' : faults} may lie or be gone`;

/** What lies where must be what was minted less what was burned. */
export const checkHoldings = ({
  holdings,
  supply,
}: Pick<ChainView, 'holdings' | 'supply'>): {
  readonly held: number;
  readonly due: number;
  readonly holds: boolean;
} => {
  const held = holdings.reduce((sum, { amount }) => sum + amount, 0);
  const due = supply.minted - supply.burned;
  return { held, due, holds: held === due };
};

export const behindInWords = (behind: number): string =>
  behind === 0 ? 'up to date' : `${formatCount(behind, 'block')} behind`;

export const itemFileName = (kind: string, id: string, format: 'json' | 'cbor'): string =>
  `${kind}-${id.slice(0, 12)}.${format}`;

/** What a check of it says, and what follows from that. */
export const verdictInWords = (
  kind: ExplorerItem['kind'],
  holds: boolean,
): { readonly title: string; readonly text: string } => {
  if (kind === 'fork' || kind === 'evidence')
    return holds
      ? { title: 'The proof holds.', text: 'Verified by this browser, now.' }
      : { title: 'This proves nothing.', text: 'What is wrong with it is marked below.' };
  return holds
    ? { title: 'Everything holds.', text: 'Checked on this device, now.' }
    : { title: 'This does not hold.', text: 'Trust nothing that rests on it.' };
};

export const heightInWords = (height: number | undefined): string =>
  height === undefined ? '–' : formatInteger(height);

/** Where a keeper is reached: its host is what people know it by. */
export const placeInWords = (url: string): string =>
  url === '' ? 'the host of this page' : url.replace(/^wss?:\/\//, '').replace(/\/ledger\/?$/, '');
