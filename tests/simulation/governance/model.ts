import type { AccountId } from '../../../src/core/brand.ts';
import type { Action, Choice, GovernanceBodies } from '../../../src/ledger/transition/governance/types.ts';
import type { Setup } from './setup.ts';

/**
 * What governance means, written a second time from the protocol and as plainly as can be: plain objects, no running sums.
 * Power, tallies, windows and majorities are counted anew from all that ever happened whenever they are asked for. Slow, and
 * shares nothing with the ledger but the types of its operations. Numbers stay small here, so products are exact.
 */
export type ModelProposal = {
  readonly id: string;
  readonly body: GovernanceBodies['propose'];
  readonly proposer: AccountId;
  readonly deposit: number;
  readonly terms: Setup['parameters'];
  phase: 'draft' | 'voting' | 'timelock' | 'executed' | 'rejected' | 'failed' | 'vetoed';
  until: number;
  snapshot: number | undefined;
  extended: boolean;
  readonly votes: { readonly who: AccountId; readonly choice: Choice }[];
  readonly vetoes: AccountId[];
  /** At the end of each epoch of voting, whether quorum was met. */
  readonly met: { readonly epoch: number; readonly met: boolean }[];
  readonly countersigned: { readonly name: string; readonly epoch: number }[];
};

type Move = { readonly epoch: number; readonly who: AccountId };

export interface Model {
  readonly epoch: number;
  readonly treasury: number;
  readonly burned: number;
  readonly parameters: Setup['parameters'];
  readonly hostGoverns: boolean;
  readonly builds: readonly string[];
  readonly keepers: readonly string[];
  readonly proposals: readonly ModelProposal[];
  balance(who: AccountId): number;
  powerAt(who: AccountId, epoch: number): number;
  tally(proposal: ModelProposal): Readonly<Record<Choice, number>>;
  vetoPower(proposal: ModelProposal): number;
  transfer(who: AccountId, to: AccountId, amount: number): boolean;
  /** `id`: what the ledger calls it. */
  propose(who: AccountId, body: GovernanceBodies['propose'], id: string): boolean;
  vote(who: AccountId, id: string, choice: Choice): boolean;
  veto(who: AccountId, id: string): boolean;
  delegate(who: AccountId, to: AccountId | null): boolean;
  countersign(who: AccountId, id: string, name: string, ofEpoch: number): boolean;
  endEpoch(): void;
}

export const createModel = (setup: Setup): Model => {
  const day = 86_400 / setup.parameters.epochSeconds;
  const month = 30 * day;
  const { people, host, bounds, initial } = setup;
  const parameters: Record<string, number> = { ...setup.parameters };
  let epoch = 0;
  let treasury = setup.treasury;
  let burned = 0;
  let hostGoverns = setup.parameters.hostUntilPower > 0;
  let keepers = [...setup.keepers];
  const builds: string[] = [];
  const proposals: ModelProposal[] = [];
  const balances = people.flatMap((who) => [
    { epoch: 0, who, balance: 0 },
    { epoch: 0, who, balance: setup.allocation(who) },
  ]);
  const moves: Move[] = people.map((who) => ({ epoch: 0, who }));
  const delegations: (Move & { readonly to: AccountId | null })[] = [];
  const changes: { readonly epoch: number; readonly name: string }[] = [];
  const grants: { readonly epoch: number; readonly amount: number }[] = [];
  const treasuryAtStartOfDay = [treasury];
  const vetoedActions: string[] = [];

  const balance = (who: AccountId) => balances.findLast((entry) => entry.who === who)?.balance ?? 0;
  const setBalance = (who: AccountId, value: number) => void balances.push({ epoch, who, balance: value });

  const powerAt = (who: AccountId, at: number): number => {
    const own = balances.filter((entry) => entry.who === who && entry.epoch <= at);
    const windowStart = (Math.floor(at / day) - 7) * day;
    if (windowStart < 0) return 0;
    const before = own.findLast((entry) => entry.epoch < windowStart);
    const during = own.filter((entry) => entry.epoch >= windowStart);
    return Math.min(...[before, ...during].flatMap((entry) => (entry ? [entry.balance] : [])));
  };
  const delegateAt = (who: AccountId, at: number) =>
    delegations.findLast((entry) => entry.who === who && entry.epoch <= at)?.to ?? undefined;
  const eligibleAt = (at: number) => people.reduce((sum, who) => sum + powerAt(who, at), 0);
  const activeAt = (at: number) =>
    people
      .filter((who) => moves.some((move) => move.who === who && move.epoch <= at && move.epoch > at - month))
      .reduce((sum, who) => sum + powerAt(who, at), 0);

  /** Where everybody's power goes: by oneself, else by one's delegate if that one spoke. */
  const tally = ({ votes, snapshot = 0 }: ModelProposal) => {
    const sums = { for: 0, against: 0, abstain: 0 };
    const choiceOf = (who: AccountId | undefined) => votes.find((vote) => vote.who === who)?.choice;
    for (const who of people) {
      const choice = choiceOf(who) ?? choiceOf(delegateAt(who, snapshot));
      if (choice) sums[choice] += powerAt(who, snapshot);
    }
    return sums;
  };
  const vetoPower = ({ votes, vetoes, snapshot = 0 }: ModelProposal) => {
    let sum = 0;
    for (const who of people) {
      const spoke = votes.some((vote) => vote.who === who);
      const delegate = delegateAt(who, snapshot);
      if (vetoes.includes(who) || (!spoke && delegate && vetoes.includes(delegate)))
        sum += powerAt(who, snapshot);
    }
    return sum;
  };
  /** What somebody's word would move if it came now. */
  const weight = (proposal: ModelProposal, who: AccountId) => {
    const { votes, vetoes, snapshot = 0 } = proposal;
    const others = people.filter(
      (other) =>
        delegateAt(other, snapshot) === who &&
        !votes.some((vote) => vote.who === other) &&
        !vetoes.includes(other),
    );
    return others.reduce((sum, other) => sum + powerAt(other, snapshot), powerAt(who, snapshot));
  };
  const quorumMet = (proposal: ModelProposal) => {
    const { snapshot = 0, terms } = proposal;
    const sums = tally(proposal);
    const part = sums.for + sums.abstain;
    return part * 1_000 >= activeAt(snapshot) * terms.quorumPermille && part * 5 >= eligibleAt(snapshot);
  };
  const strict = ({ body }: ModelProposal) =>
    body.actions.some(({ kind }) => kind === 'upgrade' || kind === 'keepers');

  const isOpen = ({ phase }: ModelProposal) => ['draft', 'voting', 'timelock'].includes(phase);
  const openOnes = () => proposals.filter(isOpen);
  const find = (id: string) => openOnes().find((proposal) => proposal.id === id);

  const mayBecome = (name: string, value: number): boolean => {
    const present = parameters[name] ?? 0;
    const limits = bounds(name);
    if (name === 'epochSeconds' || value === present) return false;
    if (name === 'hostUntilPower' && value > present) return false;
    if (value < limits.least || value > limits.most || 2 * value < present - 1) return false;
    return present === 0 ? value <= Math.max(1, initial(name)) : value <= 2 * present;
  };
  const keepersAfter = ({ remove, add }: Action<'keepers'>): string[] | undefined => {
    const gone = remove.map((key) => setup.nameOfKey(key));
    const come = add.map(({ name }) => name);
    const isSeat = gone.length === 1 && come.length === 1;
    const isStep = gone.length + come.length === 3 && (gone.length === 0 || come.length === 0);
    if ((!isSeat && !isStep) || new Set(gone).size !== gone.length) return undefined;
    if (gone.some((name) => !keepers.includes(name))) return undefined;
    if (come.some((name) => keepers.includes(name)) || new Set(come).size !== come.length) return undefined;
    const after = isSeat
      ? keepers.map((name) => (name === gone[0] ? (come[0] ?? name) : name))
      : [...keepers.filter((name) => !gone.includes(name)), ...come];
    return after.length > 0 ? after : undefined;
  };
  const treasuryRoom = () => {
    const today = Math.floor(epoch / day);
    const first = Math.max(0, today - 29);
    const limit = Math.floor((treasuryAtStartOfDay[first] ?? 0) / 20);
    const given = grants.filter((grant) => Math.floor(grant.epoch / day) >= first);
    return { limit, left: given.reduce((left, { amount }) => left - amount, limit) };
  };
  const mayPropose = (actions: readonly Action[]): boolean => {
    const named = actions.flatMap((action) => (action.kind === 'parameter' ? [action.name] : []));
    if (new Set(named).size !== named.length) return false;
    if (actions.filter(({ kind }) => kind === 'keepers').length > 1) return false;
    return actions.every((action) => {
      if (action.kind === 'parameter') return mayBecome(action.name, action.value);
      if (action.kind === 'upgrade') return builds.at(-1) !== action.build;
      if (action.kind === 'treasury') return action.amount <= treasuryRoom().limit;
      return action.kind === 'keepers' && keepersAfter(action) !== undefined;
    });
  };

  /** Whether all could be done; nothing is done otherwise. */
  const execute = (proposal: ModelProposal): boolean => {
    const before = { parameters: { ...parameters }, treasury, keepers };
    const lengths = [changes, grants, builds, balances].map((list) => [list, list.length] as const);
    const done = proposal.body.actions.every((action) => executeOne(proposal, action));
    if (done) return true;
    Object.assign(parameters, before.parameters);
    treasury = before.treasury;
    keepers = before.keepers;
    for (const [list, length] of lengths) list.length = length;
    return false;
  };
  const executeOne = (proposal: ModelProposal, action: Action): boolean => {
    if (action.kind === 'parameter') {
      if (!mayBecome(action.name, action.value)) return false;
      if (changes.some((change) => change.name === action.name && epoch - change.epoch < month)) return false;
      parameters[action.name] = action.value;
      changes.push({ epoch, name: action.name });
      return true;
    }
    if (action.kind === 'upgrade') return builds.push(action.build) > 0;
    if (action.kind === 'treasury') {
      if (action.amount > treasuryRoom().left || action.amount > treasury) return false;
      treasury -= action.amount;
      grants.push({ epoch, amount: action.amount });
      setBalance(action.to, balance(action.to) + action.amount);
      return true;
    }
    // Listings are the mint's: its own tests carry them out.
    if (action.kind !== 'keepers') return false;
    const after = keepersAfter(action);
    const fresh = action.add.every(({ name }) =>
      proposal.countersigned.some((one) => one.name === name && one.epoch > epoch - day),
    );
    if (!after || !fresh) return false;
    keepers = after;
    return true;
  };

  const end = (proposal: ModelProposal, phase: ModelProposal['phase'], forfeit = false) => {
    proposal.phase = phase;
    if (forfeit) burned += proposal.deposit;
    else if (proposal.deposit > 0)
      setBalance(proposal.proposer, balance(proposal.proposer) + proposal.deposit);
  };
  const tryIt = (proposal: ModelProposal, round: { keepersChanged: boolean }) => {
    const overKeepers = proposal.body.actions.some(({ kind }) => kind === 'keepers');
    if (overKeepers && round.keepersChanged) return;
    const done = execute(proposal);
    if (done && overKeepers) round.keepersChanged = true;
    end(proposal, done ? 'executed' : 'failed');
  };
  const afterVoting = (proposal: ModelProposal) => {
    const { terms, met } = proposal;
    met.push({ epoch, met: quorumMet(proposal) });
    if (epoch < proposal.until) return;
    const isMet = met.at(-1)?.met === true;
    const metSince = (met.findLast((one) => !one.met)?.epoch ?? met[0]!.epoch - 1) + 1;
    if (isMet && !proposal.extended && metSince > proposal.until - terms.extensionDays * day) {
      proposal.extended = true;
      proposal.until += terms.extensionDays * day;
      return;
    }
    const sums = tally(proposal);
    const carried = sums.for > sums.against && (!strict(proposal) || sums.for >= 2 * sums.against);
    if (!isMet || !carried) {
      end(proposal, 'rejected', !isMet);
      return;
    }
    proposal.phase = 'timelock';
    proposal.until = epoch + Math.max(1, terms.timelockDays * day);
  };
  const move = (proposal: ModelProposal, round: { keepersChanged: boolean }) => {
    if (proposal.phase === 'draft' && hostGoverns) tryIt(proposal, round);
    else if (proposal.phase === 'voting') afterVoting(proposal);
    else if (epoch < proposal.until) return;
    else if (proposal.phase === 'draft') {
      proposal.phase = 'voting';
      proposal.snapshot = epoch;
      proposal.until = epoch + proposal.terms.votingDays * day;
    } else if (vetoPower(proposal) * 3 >= eligibleAt(proposal.snapshot ?? 0)) {
      vetoedActions.push(setup.textOf(proposal.body.actions));
      end(proposal, 'vetoed');
    } else tryIt(proposal, round);
  };

  const accept = (who: AccountId): true => {
    moves.push({ epoch, who });
    return true;
  };
  return {
    get epoch() {
      return epoch;
    },
    get treasury() {
      return treasury;
    },
    get burned() {
      return burned;
    },
    get hostGoverns() {
      return hostGoverns;
    },
    get keepers() {
      return keepers;
    },
    parameters: parameters as Setup['parameters'],
    builds,
    proposals,
    balance,
    powerAt,
    tally,
    vetoPower,
    transfer(who, to, amount) {
      const fee = parameters.transferFee ?? 0;
      if (to === who || balance(who) < amount + fee) return false;
      setBalance(who, balance(who) - amount - fee);
      setBalance(to, balance(to) + amount);
      treasury += fee;
      return accept(who);
    },
    propose(who, body, id) {
      const text = setup.textOf([body.actions, body.description]);
      const open = openOnes();
      if (hostGoverns && who !== host) return false;
      if (open.some((one) => setup.textOf([one.body.actions, one.body.description]) === text)) return false;
      if (open.length >= 32 || open.filter(({ proposer }) => proposer === who).length >= 3) return false;
      if (!mayPropose(body.actions)) return false;
      const deposit = hostGoverns ? 0 : (parameters.proposalDeposit ?? 0);
      if (balance(who) < deposit) return false;
      const newcomers = body.actions.flatMap((one) => (one.kind === 'keepers' ? one.add : []));
      const signers = body.countersignatures.map(({ key }) => setup.nameOfKey(key));
      if (newcomers.length !== signers.length) return false;
      if (newcomers.some(({ name }) => !signers.includes(name))) return false;
      if (body.countersignatures.some(({ stateRoot }) => setup.epochOfRoot(stateRoot) !== epoch))
        return false;
      if (deposit > 0) setBalance(who, balance(who) - deposit);
      proposals.push({
        id,
        body,
        proposer: who,
        deposit,
        terms: { ...parameters } as Setup['parameters'],
        phase: 'draft',
        until: epoch + (parameters.draftDays ?? 0) * day,
        snapshot: undefined,
        extended: false,
        votes: [],
        vetoes: [],
        met: [],
        countersigned: signers.map((name) => ({ name, epoch })),
      });
      return accept(who);
    },
    vote(who, id, choice) {
      const proposal = find(id);
      if (proposal?.phase !== 'voting') return false;
      if (proposal.votes.some((vote) => vote.who === who) || weight(proposal, who) === 0) return false;
      proposal.votes.push({ who, choice });
      return accept(who);
    },
    veto(who, id) {
      const proposal = find(id);
      if (proposal?.phase !== 'timelock') return false;
      if (vetoedActions.includes(setup.textOf(proposal.body.actions))) return false;
      if (proposal.vetoes.includes(who) || weight(proposal, who) === 0) return false;
      proposal.vetoes.push(who);
      return accept(who);
    },
    delegate(who, to) {
      if (to === who || to === (delegateAt(who, epoch) ?? null)) return false;
      delegations.push({ epoch, who, to });
      return accept(who);
    },
    countersign(who, id, name, ofEpoch) {
      const proposal = find(id);
      const named = proposal?.body.actions.some(
        (one) => one.kind === 'keepers' && one.add.some((keeper) => keeper.name === name),
      );
      if (!proposal || !named || ofEpoch !== epoch) return false;
      proposal.countersigned.push({ name, epoch });
      return accept(who);
    },
    endEpoch() {
      const dayEnds = (epoch + 1) % day === 0;
      if (dayEnds && eligibleAt(epoch) >= (parameters.hostUntilPower ?? 0)) hostGoverns = false;
      const round = { keepersChanged: false };
      for (const proposal of openOnes()) move(proposal, round);
      if (dayEnds) treasuryAtStartOfDay.push(treasury);
      epoch += 1;
    },
  };
};
