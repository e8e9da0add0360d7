import { applyOperation, endEpoch } from '../../../src/ledger/apply.ts';
import { audit } from '../../../src/ledger/audit.ts';
import { initialState } from '../../../src/ledger/genesis.ts';
import type { ParameterName } from '../../../src/ledger/parameters.ts';
import { openBodyOf, type Person } from '../../../src/ledger/testDoubles.ts';
import { proposalIdOf } from '../../../src/ledger/transition/governance/proposals.ts';
import type { Action, Choice, GovernanceBodies } from '../../../src/ledger/transition/governance/types.ts';
import { accountOf } from '../../../src/ledger/transition/purse.ts';
import type {
  LedgerState,
  Operation,
  OperationBodies,
  OperationId,
  OperationKind,
} from '../../../src/ledger/types.ts';
import { createSeededRandom, type SeededRandom } from '../random.ts';
import { differences } from './compare.ts';
import { createModel, type Model } from './model.ts';
import { planSetup, rootBefore, type Setup } from './setup.ts';

export type HistoryReport = {
  readonly seed: number;
  /** What the ledger and the model disagree on; the history ends there. */
  readonly violations: readonly string[];
  /** What was done, in words. */
  readonly told: readonly string[];
  readonly reached: Readonly<Record<string, number>>;
};

/**
 * One seeded history: people move money, propose, vote, delegate and veto, epochs end, and after each move the ledger and the
 * model must agree. Transitions are called without blocks and signatures, so that there is time for very many.
 */
export const runHistory = (seed: number): HistoryReport => {
  const random = createSeededRandom(seed);
  const world = createWorld(planSetup(random));
  const length = 40 + random.int(120);
  world.endEpochs(random.int(10) === 0 ? 0 : 24);
  for (let step = 0; step < length && world.violations.length === 0; step++) {
    if (random.chance(0.25)) world.endEpochs(random.chance(0.05) ? random.int(40) : 1);
    else actSomehow(world, random);
  }
  world.endEpochs(random.int(30));
  const reached: Record<string, number> = {};
  for (const { phase, extended, votes, vetoes } of world.model.proposals) {
    for (const mark of [phase, ...(extended ? ['extended'] : []), ...(vetoes.length > 0 ? ['vetoes'] : [])])
      reached[mark] = (reached[mark] ?? 0) + 1;
    reached.votes = (reached.votes ?? 0) + votes.length;
  }
  return { seed, violations: world.violations, told: world.told, reached };
};

type World = {
  readonly setup: Setup;
  readonly model: Model;
  readonly state: LedgerState;
  readonly violations: readonly string[];
  readonly told: readonly string[];
  /** To the ledger and, by `expected`, the model: both must take it, or neither. */
  act<Kind extends OperationKind>(
    who: Person,
    kind: Kind,
    body: OperationBodies[Kind],
    expected: (model: Model) => boolean,
  ): void;
  endEpochs(count: number): void;
};

const createWorld = (setup: Setup): World => {
  const model = createModel(setup);
  const violations: string[] = [];
  const told: string[] = [];
  let state = atRoot(initialState(setup.genesis));
  const take = (next: LedgerState) => {
    state = next;
    const audited = audit(state);
    if (!audited.ok) violations.push(audited.error.message);
  };
  const submit = <Kind extends OperationKind>(who: Person, kind: Kind, body: OperationBodies[Kind]) => {
    const draft = { ...state };
    const operation = {
      net: state.net,
      account: who.id,
      seq: accountOf(state, who.id).seq + 1,
      validUntil: state.epoch,
      kind,
      body,
    } as unknown as Operation;
    const id = `operation ${told.length}` as OperationId;
    const nothing = new Uint8Array();
    const applied = applyOperation(draft, { id, operation, bytes: nothing, signature: nothing }, []);
    if (applied.ok) take(draft);
    return applied;
  };
  for (const person of setup.folk) submit(person, 'open', openBodyOf(person));
  return {
    setup,
    model,
    violations,
    told,
    get state() {
      return state;
    },
    act(who, kind, body, expected) {
      const applied = submit(who, kind, body);
      const line = `epoch ${model.epoch}: ${setup.people.indexOf(who.id)} ${kind} ${setup.textOf(body)}`;
      told.push(applied.ok ? line : `${line}: ${applied.error.message}`);
      if (expected(model) !== applied.ok) violations.push(`the model disagrees: ${told.at(-1)}`);
      violations.push(...differences(state, model, setup));
    },
    endEpochs(count) {
      for (let i = 0; i < count && violations.length === 0; i++) {
        take(atRoot(endEpoch(state, [])));
        model.endEpoch();
        violations.push(...differences(state, model, setup));
      }
      told.push(`to epoch ${model.epoch}`);
    },
  };
};

/** Histories have no blocks, so what the last epoch block's root would be is told by its epoch. */
const atRoot = (state: LedgerState): LedgerState => ({
  ...state,
  position: { ...state.position, stateRoot: rootBefore(state.epoch) },
});

const actSomehow = (world: World, random: SeededRandom): void => {
  const who = random.pick(world.setup.folk);
  const roll = random.next();
  const mayVeto = world.model.proposals.some(({ phase }) => phase === 'timelock');
  if (mayVeto && random.chance(0.4)) veto(world, random, who);
  else if (roll < 0.15) transfer(world, random, who);
  else if (roll < 0.35) propose(world, random, who);
  else if (roll < 0.5) delegate(world, random, who);
  else if (roll < 0.56) countersign(world, random, who);
  else if (roll < 0.68) veto(world, random, who);
  else vote(world, random, who);
};

const transfer = ({ setup, model, act }: World, random: SeededRandom, who: Person): void => {
  const to = random.pick(setup.people);
  const has = model.balance(who.id);
  const amount = random.chance(0.1)
    ? has + 1
    : 1 + random.int(Math.max(1, random.chance(0.2) ? has : has / 4));
  act(who, 'transfer', { to, amount }, () => model.transfer(who.id, to, amount));
};

const delegate = ({ setup, model, act }: World, random: SeededRandom, who: Person): void => {
  const to = random.chance(0.3) ? null : random.pick(setup.people);
  act(who, 'delegate', { to }, () => model.delegate(who.id, to));
};

/** Alone or with all others, so that quorum is reached often enough. */
const vote = ({ setup, model, act }: World, random: SeededRandom, who: Person): void => {
  const proposal = someProposal(model, random, 'voting');
  if (!proposal) return;
  for (const voter of random.chance(0.2) ? setup.folk : [who]) {
    const choice: Choice = random.pick(['for', 'for', 'for', 'for', 'against', 'abstain']);
    act(voter, 'vote', { proposal, choice }, () => model.vote(voter.id, proposal, choice));
  }
};

const veto = ({ model, act }: World, random: SeededRandom, who: Person): void => {
  const proposal = someProposal(model, random, 'timelock');
  if (proposal) act(who, 'veto', { proposal }, () => model.veto(who.id, proposal));
};

/** Mostly one that is in the phase, else any. */
const someProposal = (model: Model, random: SeededRandom, phase: string): string | undefined => {
  const fitting = model.proposals.filter((proposal) => proposal.phase === phase);
  const from = random.chance(0.05) || fitting.length === 0 ? model.proposals : fitting;
  return from.length > 0 ? random.pick(from).id : undefined;
};

const countersign = ({ setup, model, act }: World, random: SeededRandom, who: Person): void => {
  const open = model.proposals.filter(({ phase }) => ['draft', 'voting', 'timelock'].includes(phase));
  for (const { id, body } of open) {
    for (const action of body.actions) {
      if (action.kind !== 'keepers') continue;
      for (const { name, key } of action.add) {
        const ofEpoch = random.chance(0.1) ? Math.max(0, model.epoch - 1) : model.epoch;
        const signed = { key, stateRoot: rootBefore(ofEpoch), signature: new Uint8Array(64) };
        act(who, 'countersign', { proposal: id, ...signed }, () =>
          model.countersign(who.id, id, name, ofEpoch),
        );
      }
    }
  }
  if (open.length > 0 && setup.candidates[7]) {
    const signed = { key: setup.candidates[7].key, stateRoot: rootBefore(model.epoch) };
    const id = random.pick(open).id;
    act(who, 'countersign', { proposal: id, ...signed, signature: new Uint8Array(64) }, () =>
      model.countersign(who.id, id, setup.candidates[7]?.name ?? '', model.epoch),
    );
  }
};

const propose = (world: World, random: SeededRandom, who: Person): void => {
  const { setup, model, act } = world;
  const proposer = model.hostGoverns && random.chance(0.7) ? (setup.folk[0] ?? who) : who;
  const repeated = someProposalBody(model, random);
  const actions =
    repeated?.actions ?? Array.from({ length: random.chance(0.7) ? 1 : 2 }, () => someAction(world, random));
  const newcomers = actions.flatMap((action) => (action.kind === 'keepers' ? action.add : []));
  const signers = random.chance(0.05) ? newcomers.slice(1) : newcomers;
  const body: GovernanceBodies['propose'] = {
    description: `text ${random.int(3)}`,
    actions,
    countersignatures: signers.map(({ key }) => ({
      key,
      stateRoot: rootBefore(random.chance(0.05) ? model.epoch + 1 : model.epoch),
      signature: new Uint8Array(64),
    })),
  };
  act(proposer, 'propose', body, () => model.propose(proposer.id, body, proposalIdOf(body)));
};

/** Now and then what was proposed before, and rather what was vetoed: its actions can't be vetoed again. */
const someProposalBody = ({ proposals }: Model, random: SeededRandom) => {
  const vetoed = proposals.filter(({ phase }) => phase === 'vetoed');
  const from = vetoed.length > 0 && random.chance(0.7) ? vetoed : proposals;
  return from.length > 0 && random.chance(0.4) ? random.pick(from).body : undefined;
};

const governed: readonly ParameterName[] = [
  'transferFee',
  'votingDays',
  'quorumPermille',
  'mintFormula',
  'proposalDeposit',
  'extensionDays',
  'timelockDays',
  'hostUntilPower',
  'epochSeconds',
];

const someAction = ({ setup, model, state }: World, random: SeededRandom): Action => {
  const roll = random.next();
  if (roll < 0.4) {
    const name = random.pick(governed);
    const present = state.parameters[name];
    const value = random.pick([
      2 * present,
      Math.floor(present / 2),
      present + 1,
      Math.max(0, present - 1),
      2 * present + 1,
    ]);
    return { kind: 'parameter', name, value };
  }
  if (roll < 0.7) {
    const most = Math.floor(setup.treasury / 20);
    const amount = Math.max(1, random.chance(0.5) ? most : random.int(most + 2));
    return { kind: 'treasury', to: random.pick(setup.people), amount };
  }
  if (roll < 0.8) return { kind: 'upgrade', build: random.pick(['a', 'b']).repeat(64) };
  return someChangeOfKeepers(setup, model, random);
};

const someChangeOfKeepers = (
  { candidates }: Setup,
  { keepers }: Model,
  random: SeededRandom,
): Action<'keepers'> => {
  const seated = candidates.filter(({ name }) => keepers.includes(name));
  const free = candidates.filter(({ name }) => !keepers.includes(name));
  const [leave, come] = random.pick([
    [1, 1],
    [1, 1],
    [0, 3],
    [3, 0],
    [1, 0],
  ] as const);
  const from = random.chance(0.1) ? candidates : free;
  const start = random.int(Math.max(1, from.length - come));
  return {
    kind: 'keepers',
    remove: seated.slice(-leave || seated.length).map(({ key }) => key),
    add: from.slice(start, start + come),
  };
};
