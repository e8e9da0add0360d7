import type { Parameters } from '../../parameters.ts';
import {
  createPerson,
  createTestGenesis,
  createTestLedger,
  type Person,
  type TestLedger,
} from '../../testDoubles.ts';
import type { LedgerEvent } from '../../types.ts';
import { proposalIdOf } from './proposals.ts';
import { type ProposalView, proposalOf } from './queries.ts';
import type { Action, Choice, GovernanceBodies } from './types.ts';

const vc = 1_000_000;

/** Days are two epochs long here. */
export interface TestSwarm {
  readonly ledger: TestLedger;
  endDays(days: number): void;
  /** The reason, if it was refused. */
  tryPropose(by: Person, actions: readonly Action[], description?: string): string | undefined;
  /** Its id; throws if it was refused. */
  propose(by: Person, actions: readonly Action[], description?: string): string;
  vote(by: Person, proposal: string, choice: Choice): string | undefined;
  veto(by: Person, proposal: string): string | undefined;
  delegate(by: Person, to: Person | null): string | undefined;
  transfer(by: Person, to: Person, amount: number): string | undefined;
  /** Proposes, lets all of `voters` vote for it, and waits until it is over. */
  carry(by: Person, actions: readonly Action[], voters: readonly Person[]): ProposalView;
  view(proposal: string, own?: Person): ProposalView;
  happened(what: string): readonly LedgerEvent[];
}

/** People with their first balances in VC, settled: eight days have passed. Nobody is host unless `hostUntilPower` says so. */
export const createTestSwarm = (
  balances: ReadonlyMap<Person, number>,
  given: {
    readonly parameters?: Partial<Parameters>;
    readonly treasury?: number;
    readonly keepers?: number;
    readonly host?: Person;
  } = {},
): TestSwarm => {
  const { parameters, treasury, keepers, host = createPerson('host') } = given;
  const ledger = createTestLedger(
    createTestGenesis({
      host: host.id,
      parameters: { epochSeconds: 43_200, hostUntilPower: 0, ...parameters },
      allocations: [...balances].map(([{ id }, amount]) => ({ account: id, amount: amount * vc })),
      ...(treasury === undefined ? {} : { treasury }),
      ...(keepers === undefined ? {} : { keepers }),
    }),
  );
  ledger.open(...balances.keys());
  const endDays = (days: number) => ledger.endEpochs(2 * days);
  endDays(9);
  const bodyOf = (actions: readonly Action[], description: string): GovernanceBodies['propose'] => ({
    description,
    actions,
    countersignatures: [],
  });
  const swarm: TestSwarm = {
    ledger,
    endDays,
    tryPropose: (by, actions, description = 'A proposal') =>
      ledger.act(by, 'propose', bodyOf(actions, description)),
    propose(by, actions, description = 'A proposal') {
      const refused = swarm.tryPropose(by, actions, description);
      if (refused) throw new Error(refused);
      return proposalIdOf({ actions, description });
    },
    vote: (by, proposal, choice) => ledger.act(by, 'vote', { proposal, choice }),
    veto: (by, proposal) => ledger.act(by, 'veto', { proposal }),
    delegate: (by, to) => ledger.act(by, 'delegate', { to: to?.id ?? null }),
    transfer: (by, to, amount) => ledger.act(by, 'transfer', { to: to.id, amount: amount * vc }),
    carry(by, actions, voters) {
      const id = swarm.propose(by, actions);
      endDays(2);
      for (const voter of voters) swarm.vote(voter, id, 'for');
      endDays(10);
      return swarm.view(id);
    },
    view(proposal, own) {
      const found = proposalOf(ledger.state, proposal, own?.id);
      if (!found) throw new Error(`there is no proposal ${proposal}`);
      return found;
    },
    happened: (what) => ledger.events.filter((event) => event.what === what),
  };
  return swarm;
};
