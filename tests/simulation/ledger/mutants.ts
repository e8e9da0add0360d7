/**
 * One thing broken on purpose, in a copy of the source: the simulation must notice. `rule` is that of the protocol it breaks.
 * `find` stands once in the file.
 */
export type Mutant = {
  readonly rule: number;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly why: string;
};

const ledger = (path: string) => `src/ledger/${path}`;

export const mutants: readonly Mutant[] = [
  {
    rule: 1,
    file: ledger('apply.ts'),
    find: 'if (seq !== account.seq + 1)',
    replace: 'if (seq > account.seq + 1)',
    why: 'numbers may be used again: replays',
  },
  {
    rule: 1,
    file: ledger('apply.ts'),
    find: 'if (seq !== account.seq + 1)',
    replace: 'if (seq <= account.seq)',
    why: 'numbers may be left out',
  },
  {
    rule: 1,
    file: ledger('apply.ts'),
    find: 'if (validUntil < state.epoch)',
    replace: 'if (validUntil < 0)',
    why: 'operations never grow old',
  },
  {
    rule: 1,
    file: ledger('apply.ts'),
    find: 'if (validUntil > state.epoch + validEpochs)',
    replace: 'if (validUntil > Number.MAX_SAFE_INTEGER)',
    why: 'operations may wait for ever',
  },
  {
    rule: 1,
    file: ledger('apply.ts'),
    find: 'if (net !== state.net)',
    replace: 'if (net.length === 0)',
    why: 'operations of other swarms count',
  },
  {
    rule: 1,
    file: ledger('keeper/receive.ts'),
    find: 'if (isChecked(pool, chain, block.operations)) {',
    replace: 'if (block.operations.length >= 0) {',
    why: 'signatures in proposed blocks are not checked',
  },
  {
    rule: 1,
    file: ledger('keeper/pool.ts'),
    find: 'if (!known || !equalBytes(known.operation.signature, operation.signature)) return false;',
    replace: 'if (!known) return false;',
    why: 'an id that was checked stands for any signature',
  },
  {
    rule: 2,
    file: ledger('agreement/committee.ts'),
    find: '(previousCreator + round + (height % 64 === 0 ? 1 : 0)) % n',
    replace: 'previousCreator % n',
    why: 'the leader never changes, so a silent one stops everybody',
  },
  {
    rule: 2,
    file: ledger('agreement/committee.ts'),
    find: '(previousCreator + round + (height % 64 === 0 ? 1 : 0)) % n',
    replace: '(height + round) % n',
    why: 'another leader than the protocol says',
  },
  {
    rule: 2,
    file: ledger('keeper/turn.ts'),
    find: 'if (this.epochIsOver) return true;',
    replace: '',
    why: 'an idle swarm makes no epoch blocks',
  },
  {
    rule: 2,
    file: ledger('keeper/receive.ts'),
    find: 'if (header.creator !== proposer) return false;',
    replace: '',
    why: 'a block may name another maker, who would lead next',
  },
  {
    rule: 3,
    file: ledger('keeper/turn.ts'),
    find: "this.emit({ kind: 'persist', key, record: recordBytes(voice, record) });",
    replace: 'recordBytes(voice, record); key.trim();',
    why: 'nothing is written down before it is said',
  },
  {
    rule: 3,
    file: ledger('keeper/turn.ts'),
    find: "this.emit({ kind: 'persist', key, record: recordBytes(voice, record) });",
    replace:
      "if (record.kind !== 'proposal') this.emit({ kind: 'persist', key, record: recordBytes(voice, record) });",
    why: 'proposals are not written down',
  },
  {
    rule: 3,
    file: ledger('keeper/machine.ts'),
    find: 'const records = stored.map((record) => toAgreementRecord(height, self, record));',
    replace: 'const records = stored.slice(0, 0).map((record) => toAgreementRecord(height, self, record));',
    why: 'what was written down is not read again',
  },
  {
    rule: 3,
    file: ledger('keeper/machine.ts'),
    find: "phase: amnesia || options.restored ? 'watching' : 'quiet',",
    replace: "phase: 'voting',",
    why: 'a keeper with an old disk votes with its old key, and a sole one does not wait for its own chain',
  },
  {
    rule: 4,
    file: ledger('certificate.ts'),
    find: 'if (precommits.length < quorum)',
    replace: 'if (precommits.length < 1)',
    why: 'one signature makes a block final',
  },
  {
    rule: 4,
    file: ledger('certificate.ts'),
    find: 'if (voter <= last) return',
    replace: 'if (voter < last) return',
    why: 'a keeper may be counted twice',
  },
  {
    rule: 4,
    file: ledger('certificate.ts'),
    find: 'if (broken < 0) return ok(undefined);',
    replace: 'if (broken < 10) return ok(undefined);',
    why: 'signatures of a certificate are not checked',
  },
  {
    rule: 4,
    file: ledger('agreement/committee.ts'),
    find: 'n - toleratedLiars(n)',
    replace: 'Math.max(1, n - toleratedLiars(n) - 1)',
    why: 'a quorum is one keeper short',
  },
  {
    rule: 5,
    file: 'tests/simulation/ledger/wallet.ts',
    find: 'this.#keep(intent, kept.seq, kept.attempt + 1)',
    replace: 'this.#keep(intent, kept.seq + 1, kept.attempt + 1)',
    why: 'the wallet tries again under a new number',
  },
  {
    rule: 6,
    file: ledger('keeper/turn.ts'),
    find: 'this.state.epochBegan = this.now;',
    replace: '',
    why: 'the length of an epoch is counted from the start of the process',
  },
  {
    rule: 6,
    file: ledger('keeper/epochTime.ts'),
    find: 'Math.floor((epochLengthMs(state) * 59) / 60)',
    replace: 'Math.floor(epochLengthMs(state) / 60)',
    why: 'voters accept the end of an epoch much too early',
  },
  {
    rule: 6,
    file: ledger('keeper/receive.ts'),
    find: "if (header.kind !== 'epoch') return true;",
    replace: 'return true;',
    why: 'voters have no clock',
  },
  {
    rule: 7,
    file: ledger('apply.ts'),
    find: 'draft.keepers = draft.nextKeepers.map(',
    replace: 'draft.keepers = draft.keepers.map(',
    why: 'keepers never change',
  },
  {
    rule: 7,
    file: ledger('keeper/receive.ts'),
    find: 'const seatOf = ({ state }: Turn): number =>\n  state.chain.keepers.findIndex(',
    replace: 'const seatOf = ({ state }: Turn): number =>\n  state.chain.nextKeepers.findIndex(',
    why: 'a keeper takes the seat of the next set for its own',
  },
  {
    rule: 7,
    file: ledger('keeper/machine.ts'),
    find: 'const seat = chain.keepers.findIndex(',
    replace: 'const seat = chain.nextKeepers.findIndex(',
    why: 'the next set votes before it is its turn',
  },
  {
    rule: 7,
    file: ledger('apply.ts'),
    find: 'if (!equalBytes(encodeCbor(header.keepers), encodeCbor(state.keepers)))',
    replace: 'if (header.keepers.length !== state.keepers.length)',
    why: 'an epoch block may name any keepers',
  },
  {
    rule: 8,
    file: ledger('signatures.ts'),
    find: "if (operation.kind === 'recovery') return recovery;",
    replace: "if (operation.kind === 'recovery') return key;",
    why: 'the device key changes the recovery key',
  },
  {
    rule: 8,
    file: ledger('signatures.ts'),
    find: "if (operation.kind === 'rotate' && operation.body.by === 'recovery') return recovery;",
    replace: '',
    why: 'any key rotates in the name of the recovery key',
  },
  {
    rule: 8,
    file: ledger('signatures.ts'),
    find: "if (operation.kind === 'rotate') return { ...known, key: operation.body.key };",
    replace: "if (operation.kind === 'rotate') return undefined;",
    why: 'within a block the old key still signs after its rotation',
  },
  {
    rule: 8,
    file: ledger('transition/core/index.ts'),
    find: 'draft.accounts = draft.accounts.set(account, { ...accountOf(draft, account), key });',
    replace: 'draft.accounts = draft.accounts.set(account, { ...accountOf(draft, account), recovery: key });',
    why: 'a rotation changes the wrong key',
  },
  {
    rule: 8,
    file: ledger('keeper/pool.ts'),
    find: "if (!sameKeys(keys, keysOf(state, operation))) return 'its account has another key now';",
    replace: '',
    why: 'what was signed with a key that was rotated away still waits',
  },
  {
    rule: 9,
    file: ledger('transition/core/index.ts'),
    find: 'const paid = debit(draft, account, total);',
    replace: 'const paid = debit(draft, account, amount);',
    why: 'the fee comes from nowhere',
  },
  {
    rule: 9,
    file: ledger('transition/core/index.ts'),
    find: 'payTreasury(draft, fee);',
    replace: '',
    why: 'the fee goes nowhere',
  },
  {
    rule: 9,
    file: ledger('transition/purse.ts'),
    find: 'if (account.balance < amount) {',
    replace: 'if (account.balance < 0) {',
    why: 'one may spend more than one has',
  },
  {
    rule: 9,
    file: ledger('apply.ts'),
    find: 'if (header.supply.minted !== state.supply.minted || header.supply.burned !== state.supply.burned)',
    replace: 'if (header.supply.minted < 0)',
    why: 'an epoch block may tell any supply',
  },
];
