import { type AccountId, milliseconds } from '../../core/brand.ts';
import { createStore, follow, type Store } from '../../core/events.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { Timers } from '../../core/ports/timers.ts';
import type { Result } from '../../core/result.ts';
import type { OwnRow } from '../../ledger/replica/store.ts';
import type { Block, LedgerState } from '../../ledger/types.ts';
import type { IntentId } from '../../ledger/wallet/intents.ts';
import type { EpochView, LedgerCommands, LedgerView, ReadingEstimate } from '../ledgerView.ts';
import { chainViewOf, trustInWords } from './chainView.ts';
import { createExplorer } from './explorer.ts';
import { createForks, keptForkItem } from './forks.ts';
import { governanceViewOf } from './governanceView.ts';
import { createLedgerCommands } from './ledgerCommands.ts';
import { marketViewOf } from './marketView.ts';
import type { OpenLedger } from './openLedger.ts';
import type { PaymentRecord } from './paymentBook.ts';
import { type PaymentFacts, paymentViewsOf } from './paymentView.ts';
import { walletViewOf } from './walletView.ts';
import type { NameOf } from './words.ts';

export type LedgerScreenDeps = {
  readonly ledger: OpenLedger;
  readonly account: AccountId;
  readonly crypto: Pick<CryptoPort, 'verify'>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly telemetry: Telemetry;
  readonly nameOf: NameOf;
  readonly payments: Store<readonly PaymentRecord[]>;
  readonly statusOf: PaymentFacts['statusOf'];
  readonly estimateReading: (pages: number) => Result<ReadingEstimate, string>;
};

export type LedgerScreen = {
  readonly view: Store<LedgerView>;
  readonly commands: LedgerCommands;
  /** Names have changed: words are said anew. */
  refresh(): void;
};

/** Of blocks that the page lists. */
const listedBlocks = 100;
const historyRows = 400;
/** At most so often a second the page is told: a busy ledger makes ten blocks in that time. */
const pace = milliseconds(250);

/** The Wallet screen's store and commands over an open ledger. Decides nothing: it says what the state says. */
export const createLedgerScreen = (deps: LedgerScreenDeps): LedgerScreen => {
  const { ledger, clock, timers, account, nameOf } = deps;
  const view = createStore<LedgerView>({ phase: 'opening', progress: undefined });
  const seen = new Map<IntentId, number>();
  const dismissed = new Set<string>();
  let recent: readonly Block[] = [];
  let rows: readonly OwnRow[] = [];
  let lastBlockAt: number | undefined;
  let scheduled = false;

  const show = () => {
    scheduled = false;
    view.set(viewNow());
  };
  const soon = () => {
    if (scheduled) return;
    scheduled = true;
    timers.after(pace, show);
  };
  const readHistory = async () => {
    try {
      rows = await ledger.vcoin.history(Number.MAX_SAFE_INTEGER, historyRows);
      soon();
    } catch (cause) {
      deps.telemetry.log('warn', 'ledger', `the own history can't be read: ${String(cause)}`);
    }
  };

  const viewNow = (): LedgerView => {
    const status = ledger.status.get();
    const state = ledger.access.state.get();
    const { phase } = status;
    if (phase.phase === 'stopped') return { phase: 'off', reason: `${phase.reason}. Reload the page.` };
    if (phase.phase === 'forked')
      return {
        phase: 'forked',
        height: phase.proof.height,
        reason: status.problem ?? 'Two histories were signed.',
        account,
        proof: keptForkItem,
      };
    if (!state) return { phase: 'opening', progress: progressOf(phase) };
    const epoch = epochOf(state);
    return {
      phase: 'open',
      net: state.net,
      name: ledger.genesis.name,
      epoch,
      wallet: walletViewOf({
        state,
        account,
        holder: ledger.wallet.holder.get(),
        intents: ledger.wallet.intents.get(),
        seenAt: ({ id }) => firstSeen(id),
        reachable: status.keepers.some((height) => height !== undefined),
        dismissed,
        rows,
        nameOf,
      }),
      market: {
        ...marketViewOf(state, account, nameOf),
        payments: paymentViewsOf({ ...deps, records: deps.payments.get(), rows, own: account }),
      },
      governance: governanceViewOf(state, account, epoch, nameOf),
      chain: chainViewOf({ state, own: account, status, recent, lastBlockAt, nameOf }),
      trust: status.problem ? `${status.problem} ${trustInWords(state)}` : trustInWords(state),
      durable: status.opened?.durable ?? false,
    };
  };
  const firstSeen = (id: IntentId): number => {
    const at = seen.get(id) ?? clock.now();
    seen.set(id, at);
    return at;
  };
  const epochOf = ({ epoch, parameters: { epochSeconds } }: LedgerState): EpochView => ({
    number: epoch,
    seconds: epochSeconds,
    endsAt: clock.monotonic() - ledger.access.epochAgeMs() + epochSeconds * 1_000,
  });

  ledger.blocks((block) => {
    lastBlockAt = clock.monotonic();
    recent = [block, ...recent].slice(0, listedBlocks);
    // The own rows are few: whether this block added one is cheaper to ask than to find out.
    void readHistory();
    soon();
  });
  follow(ledger.access.state, soon);
  follow(ledger.wallet.intents, soon);
  follow(ledger.wallet.holder, soon);
  follow(ledger.status, soon);
  follow(deps.payments, soon);

  const forks = createForks({
    kept() {
      const { phase } = ledger.status.get();
      return phase.phase === 'forked' ? phase.proof : undefined;
    },
    log: ledger.log,
  });
  const explorer = createExplorer({ state: ledger.access.state.get, log: ledger.log, nameOf, forks });
  const loadRecent = async () => {
    const height = ledger.access.state.get()?.position.height ?? 0;
    const found: Block[] = [];
    for (let at = height; at > 0 && found.length < firstBlocks; at--) {
      const certified = await explorer.blockAt(at);
      if (!certified) break;
      found.push(certified.block);
    }
    const known = new Set(recent.map(({ id }) => id));
    recent = [...recent, ...found.filter(({ id }) => !known.has(id))].sort(
      (a, b) => b.header.height - a.header.height,
    );
    soon();
  };
  let loaded = false;
  follow(ledger.access.state, (state) => {
    if (!state || loaded) return;
    loaded = true;
    void readHistory();
    void loadRecent();
  });

  return {
    view,
    refresh: soon,
    commands: createLedgerCommands({
      ...deps,
      explorer,
      forks,
      dismiss(id) {
        dismissed.add(id);
        soon();
      },
    }),
  };
};

/** What the list begins with; it grows as blocks come. */
const firstBlocks = 20;

const progressOf = (phase: ReturnType<OpenLedger['status']['get']>['phase']) =>
  phase.phase === 'catching-up' ? { done: phase.height, total: phase.target } : undefined;
