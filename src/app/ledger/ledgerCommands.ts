import type { AccountId } from '../../core/brand.ts';
import { err, type Fault, ok, type Result } from '../../core/result.ts';
import { createGovernance } from '../../governance/index.ts';
import { parseRecoveryKey } from '../../identity/recoveryKey.ts';
import type { ParameterName } from '../../ledger/parameters.ts';
import type { Action } from '../../ledger/transition/governance/types.ts';
import type { OperationBodies, OperationId, OperationKind } from '../../ledger/types.ts';
import type { GovernanceAction, LedgerCommands } from '../ledgerView.ts';
import type { Explorer } from './explorer.ts';
import type { Forks } from './forks.ts';
import type { LedgerScreenDeps } from './ledgerScreen.ts';
import { verifyFound } from './verify.ts';

export type LedgerCommandDeps = LedgerScreenDeps & {
  readonly explorer: Explorer;
  readonly forks: Pick<Forks, 'read'>;
  readonly dismiss: (id: string) => void;
};

/** What a person can do with money and votes. Each resolves when it is kept on this device; the rest is in the view. */
export const createLedgerCommands = (deps: LedgerCommandDeps): LedgerCommands => {
  const { ledger, explorer } = deps;
  const { access } = ledger;
  const governance = createGovernance({ ledger: access });
  const submit = async <Kind extends OperationKind>(kind: Kind, body: OperationBodies[Kind]) =>
    inWords(await access.submit(kind, body));

  return {
    async sendMoney({ to, amount, memo }) {
      const account = accountFrom(to);
      if (!account.ok) return account;
      const text = memo.trim();
      return inWords(await ledger.vcoin.transfer(account.value, amount, text === '' ? undefined : text));
    },
    async dismissOperation(id) {
      deps.dismiss(id);
    },
    async moveWalletHere(recoveryKey) {
      const seed = parseRecoveryKey(recoveryKey);
      if (!seed.ok) return err(seed.error.message);
      return inWords(await ledger.wallet.moveHere(seed.value));
    },
    offerWork: ({ class: name, capacity, minPrice }) => submit('offer', { class: name, capacity, minPrice }),
    estimateReading: async (pages) => deps.estimateReading(pages),
    cancelOrder: (id) => submit('cancel', { escrow: id as OperationId }),
    async propose({ description, actions }) {
      const read: Action[] = [];
      for (const action of actions) {
        const one = actionFrom(action);
        if (!one.ok) return one;
        read.push(one.value);
      }
      return inWords(await governance.createProposal({ description: description.trim(), actions: read }));
    },
    vote: async (proposal, choice) => inWords(await governance.castVote(proposal, choice)),
    veto: async (proposal) => inWords(await governance.veto(proposal)),
    async delegateTo(to) {
      if (to === undefined) return inWords(await governance.delegate(null));
      const account = accountFrom(to);
      return account.ok ? inWords(await governance.delegate(account.value)) : account;
    },
    async openLedgerItem(query) {
      const found = await explorer.find(query);
      return found.ok ? explorer.describe(found.value) : found;
    },
    async verifyLedgerItem(id) {
      const found = await explorer.find(id);
      if (!found.ok) return found;
      return ok(
        await verifyFound(found.value, { ...deps, explorer, log: ledger.log, state: access.state.get }),
      );
    },
    async exportLedgerItem(id, format) {
      const found = await explorer.find(id);
      return found.ok ? explorer.exportOf(found.value, format) : found;
    },
    readForkProof: (file) => deps.forks.read(file),
  };
};

/** As it was pasted or scanned. */
export const accountFrom = (text: string): Result<AccountId, string> => {
  const id = text.trim().replace(/^aivillage:/i, '');
  if (/^[A-Za-z0-9_-]{43}$/.test(id)) return ok(id as AccountId);
  return err(
    `An account id has 43 letters, digits, - or _; this one has ${id.length} characters. Ask for it again: it is under “Receive” on the other device.`,
  );
};

const actionFrom = (action: GovernanceAction): Result<Action, string> => {
  switch (action.kind) {
    case 'parameter':
      // A name that there is not is refused by the rule of its kind, in words.
      return ok({ kind: 'parameter', name: action.name as ParameterName, value: action.value });
    case 'treasury': {
      const to = accountFrom(action.to);
      return to.ok ? ok({ kind: 'treasury', to: to.value, amount: action.amount }) : to;
    }
    case 'upgrade': {
      const url = action.url.trim();
      return ok({ kind: 'upgrade', build: action.hash.trim().toLowerCase(), ...(url === '' ? {} : { url }) });
    }
    default:
      return action satisfies never;
  }
};

const inWords = (result: Result<unknown, Fault>): Result<void, string> =>
  result.ok ? ok(undefined) : err(capitalised(result.error.message));
const capitalised = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
