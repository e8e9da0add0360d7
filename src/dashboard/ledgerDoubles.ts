import type {
  BlockSummary,
  ExplorerItem,
  HistoryEntry,
  KeeperView,
  LedgerCommands,
  LedgerView,
  MarketClassView,
  OpenLedgerView,
  ParameterView,
  Party,
  PendingView,
  ProposalView,
  Verification,
} from '../app/readModels.ts';
import { type AccountId, type JobId, milliseconds } from '../core/brand.ts';
import type { WritableStore } from '../core/events.ts';
import type { Timers } from '../core/ports/timers.ts';
import { err, ok, type Result } from '../core/result.ts';

/** Every state of the Wallet screen; `at` is the wall time of the newest block, and monotonic time begins at 0. */
export const ledgerScenarios = [
  'open',
  'new',
  'elsewhere',
  'waiting',
  'opening',
  'begun',
  'forked',
  'off',
] as const;
export type LedgerScenario = (typeof ledgerScenarios)[number];

const vc = 1_000_000;
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** As long as a hash in base64url, and the same every time. */
const idOf = (kind: string, index: number): string =>
  `${kind}${'Zk3vQ9sVb2nT6wLrJ0uE8yPiM4cZ1aGh5oD7xSfXqKmR'.slice(index % 9)}${'d0Wn7Yc2Ba9tHe4LpAz6RqUxGs8vJi3NkFm5'.slice(index % 7)}`
    .replaceAll('fX', index.toString(36).padStart(3, '0'))
    .slice(0, 43);

export const fixtureAccount = (index: number): AccountId =>
  idOf(['m4', 'Rz', 'q7', 'Aa', 'x2', 'Lp', 'e9', 'vN'][index % 8] ?? 'H3', index) as AccountId;
export const fixtureOwnAccount = idOf('Yc', 3) as AccountId;

const own: Party = { account: fixtureOwnAccount, name: 'Lantern at home', own: true };
const partyNames = ['Kestrel', 'Anna’s laptop', 'Blue Heron', 'Old phone', 'Workshop Mac', undefined];
const party = (index: number): Party => ({
  account: fixtureAccount(index),
  name: partyNames[index],
  own: false,
});
const host: Party = { account: fixtureAccount(7), name: 'Reception desk', own: false };

const historyOf = (at: number): readonly HistoryEntry[] =>
  Array.from({ length: 130 }, (_, index) => {
    const kinds = [
      { what: 'Work for Kestrel', amount: 1_234_560, with: party(0) },
      { what: 'Sent to Blue Heron', amount: -5_001_000, with: party(2), memo: 'for the lamp oil' },
      { what: 'Reward for public work', amount: 250_000, with: undefined },
      { what: 'Order of reading work', amount: -12_500_000, with: undefined },
      { what: 'Received from Anna’s laptop', amount: 40 * vc, with: party(1), memo: 'half of the harvest' },
      { what: 'Back from an order', amount: 3_417_204, with: undefined },
      { what: 'Vote', amount: 0, with: undefined },
      { what: 'Received', amount: 17, with: party(5) },
    ];
    const kind = kinds[(index * 5) % kinds.length] ?? kinds[0];
    return {
      key: `entry-${index}`,
      what: kind?.what ?? '',
      amount: kind?.amount ?? 0,
      with: kind?.with,
      memo: kind?.memo,
      epoch: 4_312 - Math.floor(index / 3),
      height: 18_220 - index * 3,
      at: at - 4 * minute - index * 47 * minute,
      item: idOf('op', index),
    };
  });

const pendingOf = (at: number): readonly PendingView[] => [
  {
    id: 'pending-1',
    what: 'Send 12.5 VC to Kestrel',
    amount: -12_501_000,
    since: at + 3_000,
    state: 'pending',
    reason: undefined,
  },
  {
    id: 'pending-2',
    what: 'Vote for “Cheaper transfers”',
    amount: 0,
    since: at - 2 * minute,
    state: 'refused',
    reason: 'The vote had ended before it arrived. Nothing was paid.',
  },
];

const classOf = (
  name: string,
  price: number,
  offers: MarketClassView['offers'],
  epochs: number,
): MarketClassView => {
  const wave = (index: number) => Math.sin(index / 9) + 0.4 * Math.sin(index / 2.3);
  return {
    class: name,
    price,
    history: Array.from({ length: epochs }, (_, index) => ({
      epoch: 4_312 - epochs + index,
      price:
        index === epochs - 1
          ? price
          : Math.round(
              price * (0.8 + 0.2 * (index / epochs) + 0.07 * wave(index / 2) * (1 - index / epochs)),
            ),
      demand: Math.max(0, Math.round(620_000 + 260_000 * wave(index))),
      delivered: Math.max(0, Math.round(560_000 + 190_000 * wave(index - 2))),
    })),
    capacity: offers.reduce((sum, offer) => sum + offer.capacity, 0),
    demand: epochs === 0 ? 0 : 742_300,
    offers,
  };
};

const parameters: readonly ParameterView[] = [
  {
    name: 'transferFee',
    meaning: 'what a transfer pays to the treasury',
    unit: 'µVC',
    value: 1_000,
    least: 500,
    most: 2_000,
  },
  {
    name: 'payFeeDivisor',
    meaning: 'a payment for work pays one part of so many to the treasury',
    unit: '',
    value: 50,
    least: 25,
    most: 100,
  },
  {
    name: 'mintCap',
    meaning: 'most that an epoch mints',
    unit: 'µVC per epoch',
    value: 1_000 * vc,
    least: 500 * vc,
    most: 2_000 * vc,
  },
  {
    name: 'mintRate',
    meaning: 'reward for a unit of public work by its cost',
    unit: 'µVC per 10⁶',
    value: 250 * vc,
    least: 125 * vc,
    most: 500 * vc,
  },
  { name: 'votingDays', meaning: 'how long a vote is open', unit: 'days', value: 7, least: 4, most: 14 },
  {
    name: 'quorumPermille',
    meaning: 'of the active power must take part',
    unit: '‰',
    value: 510,
    least: 255,
    most: 1_000,
  },
  {
    name: 'epochSeconds',
    meaning: 'how long an epoch lasts',
    unit: 's',
    value: 600,
    least: 300,
    most: 1_200,
  },
];

const proposalOf = (index: number, change: Partial<ProposalView>): ProposalView => ({
  id: idOf('pr', index),
  description: 'Cheaper transfers',
  by: party(0),
  actions: ['Set the fee of a transfer to 0.0005 VC (now 0.001)'],
  phase: 'voting',
  outcome: undefined,
  endsAt: 3 * day + 4 * hour,
  for: 48_210 * vc,
  against: 9_330_500_000,
  abstain: 1_200 * vc,
  quorum: { needed: 61_200 * vc, reached: 49_410 * vc },
  ownVote: undefined,
  mayVote: true,
  mayVeto: false,
  vetoed: { power: 0, needed: 40_000 * vc },
  ...change,
});

const proposals: readonly ProposalView[] = [
  proposalOf(0, {}),
  proposalOf(1, {
    description:
      'Pay Blue Heron for the reading corner: new lamps, and the winter’s heating for those who read there at night',
    by: party(2),
    actions: ['Pay 400 VC from the treasury to Blue Heron'],
    ownVote: 'abstain',
    mayVote: false,
    endsAt: 17 * hour + 5 * minute,
    for: 71_000 * vc,
    against: 20_000 * vc,
    abstain: 8_000 * vc,
    quorum: { needed: 61_200 * vc, reached: 79_000 * vc },
  }),
  proposalOf(2, {
    description: 'Build 0.2.0',
    by: host,
    actions: ['Upgrade to the build with hash a1b2c3d4…'],
    phase: 'timelock',
    endsAt: 1 * day + 2 * hour,
    mayVote: false,
    mayVeto: true,
    for: 90_000 * vc,
    against: 2_000 * vc,
    quorum: { needed: 61_200 * vc, reached: 91_200 * vc },
    vetoed: { power: 11_500 * vc, needed: 40_000 * vc },
  }),
  proposalOf(3, {
    description: 'A longer vote',
    by: own,
    actions: ['Set how long a vote is open to 10 days (now 7)'],
    phase: 'draft',
    endsAt: 20 * hour,
    mayVote: false,
    for: 0,
    against: 0,
    abstain: 0,
    quorum: { needed: 61_200 * vc, reached: 0 },
  }),
  proposalOf(4, {
    description: 'Double what an epoch mints',
    by: party(5),
    actions: ['Set most that an epoch mints to 2 000 VC (now 1 000)'],
    phase: 'rejected',
    outcome: 'More power was against it than for it.',
    endsAt: undefined,
    mayVote: false,
    ownVote: 'against',
    for: 12_000 * vc,
    against: 66_000 * vc,
    abstain: 55_000 * vc,
    quorum: { needed: 61_200 * vc, reached: 67_000 * vc },
  }),
  proposalOf(5, {
    description: 'Grant for the mill',
    actions: ['Pay 5 000 VC from the treasury to Workshop Mac'],
    phase: 'failed',
    outcome: 'It passed, but the treasury had only 3 100 VC to give in that window.',
    endsAt: undefined,
    mayVote: false,
    for: 70_000 * vc,
    quorum: { needed: 61_200 * vc, reached: 71_200 * vc },
  }),
  proposalOf(6, {
    description: 'Longer epochs',
    actions: ['Set how long an epoch lasts to 1200 s (now 600)'],
    phase: 'executed',
    outcome: 'Carried out in block 16 004.',
    endsAt: undefined,
    mayVote: false,
    ownVote: 'for',
    for: 88_000 * vc,
    quorum: { needed: 61_200 * vc, reached: 89_200 * vc },
  }),
];

const keepers: readonly KeeperView[] = [
  ['Reception desk', 'connected', 18_220, 0, host],
  ['Attic', 'connected', 18_219, 0, party(0)],
  ['Mill', 'connecting', 18_180, 0, party(1)],
  ['Riverside', 'unreachable', undefined, 1, party(5)],
].map(([name, connection, height, lied, worker], index) => ({
  name: name as string,
  key: idOf('kk', index),
  url: index === 0 ? '' : `wss://${String(name).toLowerCase()}.example/ledger`,
  worker: worker as Party,
  connection: connection as KeeperView['connection'],
  height: height as number | undefined,
  lied: lied as number,
}));

const blocksOf = (at: number): readonly BlockSummary[] =>
  Array.from({ length: 24 }, (_, index) => ({
    id: idOf('bl', index),
    height: 18_220 - index,
    kind: index % 5 === 2 ? 'epoch' : 'operations',
    operations: index % 5 === 2 ? 0 : 1 + ((index * 7) % 13),
    creator: keepers[index % 3]?.name ?? '',
    time: at - index * 130_000,
  }));

const holdings = [
  { where: 'Accounts', amount: 214_331_417_204 },
  { where: 'Earned and not vested', amount: 3_002_500_000 },
  { where: 'Orders', amount: 812_600_000 },
  { where: 'Deposits of proposals', amount: 400 * vc },
  { where: 'Treasury', amount: 62_014_882_796 },
];

const openAt = (at: number): OpenLedgerView => ({
  phase: 'open',
  net: idOf('ne', 1),
  name: 'Quiet Harbour',
  epoch: { number: 4_312, seconds: 600, endsAt: 214_000 },
  wallet: {
    account: fixtureOwnAccount,
    balance: 1_284_903_417,
    unvested: 14_250_000,
    locked: 22_500_000,
    transferFee: 1_000,
    key: { phase: 'here' },
    pending: pendingOf(at),
    history: historyOf(at),
  },
  market: {
    classes: [
      classOf(
        'ocr',
        412_500,
        [
          { by: party(0), class: 'ocr', capacity: 420_000, minPrice: 300_000 },
          { by: party(1), class: 'ocr', capacity: 240_000, minPrice: 412_500 },
          { by: own, class: 'ocr', capacity: 120_000, minPrice: 350_000 },
          { by: party(5), class: 'ocr', capacity: 60_000, minPrice: 8 },
        ],
        144,
      ),
      classOf('training', 2_800_000, [], 1),
    ],
    ownOffers: [{ by: own, class: 'ocr', capacity: 120_000, minPrice: 350_000 }],
    ownOrders: [
      {
        id: idOf('or', 1),
        class: 'ocr',
        locked: 12_500_000,
        paid: 3_120_000,
        price: 412_500,
        max: 25_000_000,
        deadline: 4_320,
        cancelCost: 187_600,
        state: 'open: Kestrel and Old phone work on it',
        mayCancel: true,
      },
      {
        id: idOf('or', 2),
        class: 'ocr',
        locked: 10_000_000,
        paid: 9_980_100,
        price: 398_000,
        max: 25_000_000,
        deadline: 4_310,
        cancelCost: 0,
        state: 'settled; what is left comes back in 2 epochs',
        mayCancel: false,
      },
    ],
    payments: [
      {
        job: 'job-done' as JobId,
        order: idOf('or', 2),
        strategy: 'quality',
        price: 398_000,
        locked: 10_000_000,
        paid: 1_842_700,
        estimate: { least: 1_610_000, most: 2_480_300, measured: 12 },
        phase: 'settled',
        chosen: [
          { who: party(0), part: 640, why: '212 tasks done right', paid: 1_120_400 },
          { who: party(1), part: 360, why: '9 tasks done right, 2 lost or wrong', paid: 702_300 },
        ],
        leftOut: [{ who: party(4), why: 'asks for 0.9 VC, the price was 0.398 VC' }],
        others: [{ who: party(2), paid: 20_000 }],
        nobody: undefined,
      },
    ],
  },
  governance: {
    host,
    hostGoverns: false,
    eligiblePower: 120_000 * vc,
    powerNeeded: 100_000 * vc,
    ownPower: 1_204 * vc,
    delegate: undefined,
    deposit: 100 * vc,
    treasury: 62_014_882_796,
    grantable: 3_100 * vc,
    proposals,
    parameters,
  },
  chain: {
    height: 18_220,
    head: idOf('bl', 0),
    time: at,
    lastBlockAt: 0,
    behind: 0,
    quorum: 3,
    faults: 1,
    keepers,
    supply: { minted: 281_000_000_000, burned: 438_600_000 },
    holdings,
    recent: blocksOf(at),
    evidence: [{ keeper: 'Riverside', height: 17_904, item: idOf('ev', 1) }],
  },
  trust: 'Four keepers on four hosts order the log: it stays right as long as at most one of them lies.',
  durable: true,
});

const newAt = (at: number): OpenLedgerView => {
  const open = openAt(at);
  const only = keepers.slice(0, 1);
  return {
    ...open,
    wallet: {
      ...open.wallet,
      balance: 0,
      unvested: 0,
      locked: 0,
      key: { phase: 'unopened' },
      pending: [],
      history: [],
    },
    market: { classes: [], ownOffers: [], ownOrders: [], payments: [] },
    governance: {
      ...open.governance,
      hostGoverns: true,
      eligiblePower: 31_400 * vc,
      ownPower: 0,
      proposals: [],
      treasury: 0,
      grantable: 0,
    },
    chain: {
      ...open.chain,
      height: 1,
      quorum: 1,
      faults: 0,
      keepers: only,
      supply: { minted: 0, burned: 0 },
      holdings: holdings.map(({ where }) => ({ where, amount: 0 })),
      recent: open.chain.recent.slice(0, 1).map((block) => ({ ...block, height: 1 })),
      evidence: [],
    },
    trust:
      'One keeper, your host, orders the log: it can’t take your money or invent any, but you trust it not to leave your operations out.',
  };
};

const waitingAt = (at: number): OpenLedgerView => {
  const open = openAt(at);
  return {
    ...open,
    durable: false,
    wallet: {
      ...open.wallet,
      pending: pendingOf(at)
        .slice(0, 1)
        .map((entry) => ({ ...entry, state: 'waiting', reason: 'No keeper answers.' })),
    },
    governance: { ...open.governance, delegate: party(2) },
    chain: {
      ...open.chain,
      behind: 37,
      lastBlockAt: undefined,
      keepers: keepers.map((keeper) => ({ ...keeper, connection: 'unreachable', height: undefined })),
    },
  };
};

export const fixtureLedger = (scenario: LedgerScenario, at: number): LedgerView => {
  switch (scenario) {
    case 'open':
      return openAt(at);
    case 'new':
      return newAt(at);
    case 'elsewhere':
      return { ...openAt(at), wallet: { ...openAt(at).wallet, key: { phase: 'elsewhere' }, pending: [] } };
    case 'waiting':
      return waitingAt(at);
    case 'opening':
      return { phase: 'opening', progress: { done: 61_200, total: 104_311 } };
    case 'begun':
      return { phase: 'opening', progress: undefined };
    case 'forked':
      return {
        phase: 'forked',
        height: 17_904,
        reason: 'Reception desk signed two different blocks at height 17 904.',
        account: fixtureOwnAccount,
        proof: fixtureFork.id,
      };
    case 'off':
      return { phase: 'off', reason: 'This host keeps no ledger.' };
    default:
      return scenario satisfies never;
  }
};

/** As the real commands change the view: money sent is pending, and final after three seconds of `timers`. */
export const createFixtureLedgerCommands = (
  view: WritableStore<LedgerView>,
  { timers, note }: { readonly timers: Timers; readonly note: (call: string) => void },
): LedgerCommands => {
  const change = (to: (open: OpenLedgerView) => OpenLedgerView) =>
    view.update((current) => (current.phase === 'open' ? to(current) : current));
  const act = async (call: string): Promise<Result<void, string>> => ok(note(call));
  const changeProposal = (id: string, to: Partial<ProposalView>) =>
    change((open) => ({
      ...open,
      governance: {
        ...open.governance,
        proposals: open.governance.proposals.map((entry) => (entry.id === id ? { ...entry, ...to } : entry)),
      },
    }));
  return {
    estimateReading: async (pages) =>
      ok({
        price: 412_500,
        median: 398_000,
        epochs: 144,
        pages: {
          measured: 12,
          leastUnits: 3_900,
          mostUnits: 6_010,
          least: Math.ceil((pages * 3_900 * 412_500) / 1e6),
          most: Math.ceil((pages * 6_010 * 412_500) / 1e6),
          enough: Math.ceil((pages * 6_010 * 464_062) / 1e6),
        },
      }),
    async sendMoney({ to, amount, memo }) {
      note(`send ${amount} to ${to} “${memo}”`);
      const open = view.get();
      if (open.phase !== 'open') return err('There is no ledger here.');
      const { pending, transferFee } = open.wallet;
      const entry: PendingView = {
        id: `pending-new-${pending.length}`,
        what: `Send ${amount / vc} VC to ${to.slice(0, 8)}…`,
        amount: -(amount + transferFee),
        since: open.chain.time,
        state: 'pending',
        reason: undefined,
      };
      change((current) => ({
        ...current,
        wallet: { ...current.wallet, pending: [...current.wallet.pending, entry] },
      }));
      timers.after(milliseconds(3_000), () => change((current) => settle(current, entry, memo)));
      return ok(undefined);
    },
    async dismissOperation(id) {
      change((open) => ({
        ...open,
        wallet: { ...open.wallet, pending: open.wallet.pending.filter((entry) => entry.id !== id) },
      }));
    },
    async moveWalletHere(key) {
      if (!key.toLowerCase().startsWith('av1')) return err('A recovery key begins with av1.');
      change((open) => ({ ...open, wallet: { ...open.wallet, key: { phase: 'here' } } }));
      return act('move the wallet');
    },
    offerWork: ({ class: kind, capacity, minPrice }) => act(`offer ${capacity} ${kind} from ${minPrice}`),
    cancelOrder: (id) => act(`cancel ${id}`),
    propose: ({ description, actions }) =>
      act(`propose “${description}” ${actions.map(({ kind }) => kind).join()}`),
    async vote(id, choice) {
      changeProposal(id, { ownVote: choice, mayVote: false });
      return act(`vote ${choice}`);
    },
    async veto(id) {
      changeProposal(id, { mayVeto: false });
      return act(`veto ${id}`);
    },
    async delegateTo(account) {
      change((open) => ({
        ...open,
        governance: {
          ...open.governance,
          delegate:
            account === undefined
              ? undefined
              : { account: account as AccountId, name: undefined, own: false },
        },
      }));
      return act(`delegate to ${account}`);
    },
    async openLedgerItem(query) {
      const item = itemOf(view.get(), query.trim());
      return item ? ok(item) : err(`Nothing recent has the id or height “${query.trim()}”.`);
    },
    verifyLedgerItem: async (id) => ok(verificationOf(id)),
    exportLedgerItem: async (id, format) => ok(new Blob([`${format} of ${id}`])),
    readForkProof: async (file) =>
      (await file.text()).includes(fixtureFork.id)
        ? ok(fixtureFork.id)
        : err('This is no proof of two histories.'),
  };
};

const settle = (open: OpenLedgerView, entry: PendingView, memo: string): OpenLedgerView => ({
  ...open,
  wallet: {
    ...open.wallet,
    balance: open.wallet.balance + entry.amount,
    pending: open.wallet.pending.filter(({ id }) => id !== entry.id),
    history: [
      {
        key: entry.id,
        what: entry.what.replace('Send', 'Sent'),
        amount: entry.amount,
        with: undefined,
        memo: memo === '' ? undefined : memo,
        epoch: open.epoch.number,
        height: open.chain.height + 1,
        at: open.chain.time + 5_000,
        item: idOf('op', 200),
      },
      ...open.wallet.history,
    ],
  },
});

const blockFacts = (index: number, height: number): ExplorerItem['facts'] => [
  { term: 'Height', value: String(height) },
  { term: 'Id', value: idOf('bl', index) },
  { term: 'Follows', value: idOf('bl', 40) },
  { term: 'Holds', value: index === 41 ? '3 operations' : '1 operation' },
  { term: 'Made by', value: 'Reception desk' },
  { term: 'Made at', value: '2026-03-01T18:20:00.000Z' },
  { term: 'Signed by', value: 'Reception desk, Attic, Riverside, in round 0' },
];

const fixtureFork: ExplorerItem = {
  id: 'fork-kept',
  kind: 'fork',
  title: 'Two histories at block 17904',
  advice:
    'Accept no payment in this ledger, and give the proof to everybody who uses it, so that together they open a new one from block 17903, the last that both histories share.',
  facts: [
    { term: 'Contradiction', value: 'two blocks of height 17904 were certified' },
    { term: 'Contradicted themselves', value: 'Reception desk, Attic, Riverside' },
    { term: 'Comes from', value: 'this browser, which found it itself' },
    { term: 'Ledger', value: idOf('ne', 1) },
  ],
  sides: [
    { title: 'The block this browser had', facts: blockFacts(41, 17_904) },
    { title: 'The other block', facts: blockFacts(42, 17_904) },
  ],
  parts: [],
};

const itemOf = (view: LedgerView, query: string): ExplorerItem | undefined => {
  if (query === fixtureFork.id) return fixtureFork;
  if (view.phase !== 'open') return undefined;
  const { chain, wallet } = view;
  const block = chain.recent.find(({ id, height }) => id.startsWith(query) || String(height) === query);
  if (block)
    return {
      id: block.id,
      kind: 'block',
      title: `Block ${block.height}`,
      facts: [
        { term: 'Made by', value: block.creator },
        { term: 'Height', value: String(block.height) },
        { term: 'Id', value: block.id },
        {
          term: 'Before it',
          value: idOf('bl', chain.height - block.height + 1),
          item: String(block.height - 1),
        },
      ],
      parts: wallet.history
        .slice(0, block.operations)
        .map(({ what, memo, item }) => ({ label: what, note: memo ?? '', item })),
    };
  const entry = wallet.history.find(({ item }) => item.startsWith(query));
  if (entry || /^(op|pr|or|ev)/.test(query))
    return {
      id: entry?.item ?? query,
      kind: query.startsWith('ev') ? 'evidence' : query.startsWith('pr') ? 'proposal' : 'operation',
      title: entry?.what ?? 'Operation',
      facts: [
        { term: 'Account', value: wallet.account, item: wallet.account },
        { term: 'In block', value: '18 220', item: '18220' },
        { term: 'Id', value: entry?.item ?? query },
      ],
      parts: [],
    };
  return wallet.account.startsWith(query)
    ? {
        id: wallet.account,
        kind: 'account',
        title: 'Your account',
        facts: [{ term: 'Account', value: wallet.account }],
        parts: wallet.history.slice(0, 5).map(({ what, item }) => ({ label: what, note: '', item })),
      }
    : undefined;
};

const verificationOf = (id: string): Verification => {
  if (id === fixtureFork.id)
    return {
      holds: true,
      steps: [
        { what: 'Both are blocks of the ledger this browser knows', holds: true, detail: idOf('ne', 1) },
        {
          what: '3 of 4 keepers signed the first block in one round',
          holds: true,
          detail: 'Reception desk, Attic, Riverside',
        },
        {
          what: '3 of 4 keepers signed the second block in one round',
          holds: true,
          detail: 'Reception desk, Attic, Riverside',
        },
        { what: 'No honest quorum can have signed both', holds: true, detail: 'two ids at height 17904' },
      ],
    };
  const holds = !id.startsWith('ev');
  return {
    holds,
    steps: [
      { what: 'The signature of the account', holds: true, detail: 'Ed25519, over exactly these bytes' },
      { what: 'Its place in the block', holds: true, detail: 'Merkle path of 3 hashes to the root' },
      { what: 'The keepers’ signatures', holds, detail: holds ? '3 of 4 in round 0' : 'two for one height' },
    ],
  };
};
