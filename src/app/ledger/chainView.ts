import { toBase64url } from '../../core/bytes.ts';
import { holdingsOf } from '../../ledger/audit.ts';
import { faultsOf, quorumOf } from '../../ledger/certificate.ts';
import type { Block, Genesis, LedgerState } from '../../ledger/types.ts';
import type { BlockSummary, ChainView, EpochView, Party } from '../ledgerView.ts';
import { keeperChangesOf } from './keeperChange.ts';
import type { LedgerStatus } from './openLedger.ts';
import { type NameOf, partyOf } from './words.ts';

export type ChainFacts = {
  readonly state: LedgerState;
  readonly own: Party['account'];
  readonly status: LedgerStatus;
  /** Newest first. */
  readonly recent: readonly Block[];
  readonly lastBlockAt: number | undefined;
  readonly nameOf: NameOf;
  readonly epoch: EpochView;
  /** Whom `status.keepers` speaks of. */
  readonly genesis: Pick<Genesis, 'keepers'>;
};

const places = {
  balances: 'in accounts',
  treasury: 'in the treasury',
  escrow: 'locked for orders',
  unvested: 'earned, not yet paid out',
  deposits: 'put down for proposals',
} as const;

export const chainViewOf = (facts: ChainFacts): ChainView => {
  const { state, recent, lastBlockAt } = facts;
  const { position, keepers } = state;
  const holdings = holdingsOf(state);
  return {
    height: position.height,
    head: position.head,
    time: position.time,
    lastBlockAt,
    behind: behindOf(facts),
    quorum: quorumOf(keepers.length),
    faults: faultsOf(keepers.length),
    keepers: keepersOf(facts),
    keeperChanges: keeperChangesOf(state, facts.epoch),
    supply: state.supply,
    holdings: (Object.keys(places) as (keyof typeof places)[]).map((place) => ({
      where: places[place],
      amount: holdings[place],
    })),
    recent: recent.map((block) => summaryOf(block, state)),
    evidence: [...state.evidence.entries()].map(([item, { keeper, height }]) => ({
      keeper: keepers[keeper]?.name ?? `keeper ${keeper + 1}`,
      height,
      item,
    })),
  };
};

/** One sentence that a person can hold somebody to. */
export const trustInWords = ({ keepers }: Pick<LedgerState, 'keepers'>): string => {
  const n = keepers.length;
  if (n === 1)
    return 'One keeper, your host, decides the order of operations. It can’t forge a signature or make money unseen: this browser checks every block. It could leave your operations out, or show others another history; browsers compare what they were shown.';
  return `${n} keepers agree on the order, ${quorumOf(n)} of them each time. The ledger stays right and goes on if ${faultsOf(n)} of them ${faultsOf(n) === 1 ? 'fails or lies' : 'fail or lie'}; this browser checks every block.`;
};

const behindOf = ({ status: { phase } }: ChainFacts): number =>
  phase.phase === 'catching-up' ? Math.max(0, phase.target - phase.height) : 0;

/** A key may change where a keeper stands, and this page reaches those of genesis: one that came later it does not try. */
const keepersOf = ({ state, status, own, nameOf, genesis }: ChainFacts): ChainView['keepers'] =>
  state.keepers.map(({ name, key, url, worker }, seat) => {
    const line = genesis.keepers.findIndex((keeper) => keeper.url === url);
    const height = status.keepers[line];
    const isTried = line >= 0;
    const known = status.keepers.length > 0;
    return {
      name,
      key: toBase64url(key),
      url,
      worker: partyOf(worker, own, nameOf),
      connection: !isTried
        ? 'unknown'
        : height !== undefined
          ? 'connected'
          : known
            ? 'unreachable'
            : 'connecting',
      height,
      lied: [...state.evidence.entries()].filter(([, { keeper }]) => keeper === seat).length,
    };
  });

export const summaryOf = ({ id, header }: Block, { keepers }: LedgerState): BlockSummary => ({
  id,
  height: header.height,
  kind: header.kind,
  operations: header.operations,
  creator: keepers[header.creator]?.name ?? `keeper ${header.creator + 1}`,
  time: header.time,
});
