import type { Bytes } from '../core/bytes.ts';
import { concatBytes, utf8 } from '../core/bytes.ts';
import { type CborValue, encodeCbor } from '../core/codec.ts';
import { sha256Base64url } from '../core/hash.ts';
import { stateRootOf } from './stateRoot.ts';
import { emptyTable } from './table/index.ts';
import type { Draft } from './transition/module.ts';
import { modules } from './transition/modules.ts';
import { credit } from './transition/purse.ts';
import type { BlockId, Genesis, LedgerState, NetId } from './types.ts';

export const genesisBytes = (genesis: Genesis): Bytes => encodeCbor(genesis as unknown as CborValue);

/** The swarm's money is named by how it began: two hosts can't mean different things by one name. */
export const netIdOf = (genesis: Genesis): NetId =>
  sha256Base64url(concatBytes(utf8('vc1.genesis'), genesisBytes(genesis))) as NetId;

/** The block before the first is the genesis itself. */
export const genesisBlockId = (net: NetId): BlockId => net as unknown as BlockId;

/** What is allocated and the treasury's first balance count as minted. */
export const initialState = (genesis: Genesis): LedgerState => {
  const net = netIdOf(genesis);
  const minted = genesis.allocations.reduce((sum, { amount }) => sum + amount, genesis.treasury);
  const draft: Draft = {
    position: {
      height: 0,
      head: genesisBlockId(net),
      creator: 0,
      time: genesis.time,
      stateRoot: new Uint8Array(),
    },
    net,
    epoch: 0,
    accounts: emptyTable(),
    balances: 0,
    treasury: genesis.treasury,
    supply: { minted, burned: 0 },
    parameters: genesis.parameters,
    host: genesis.host,
    keepers: genesis.keepers,
    nextKeepers: genesis.keepers,
    reveals: {},
    evidence: emptyTable(),
    market: modules.market.initial(genesis),
    mint: modules.mint.initial(genesis),
    governance: modules.governance.initial(genesis),
  };
  for (const { account, amount } of genesis.allocations) credit(draft, account, amount);
  return { ...draft, position: { ...draft.position, stateRoot: stateRootOf(draft) } };
};
