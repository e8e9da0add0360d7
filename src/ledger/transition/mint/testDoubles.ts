import { equalBytes, utf8 } from '../../../core/bytes.ts';
import { sha256Bytes } from '../../../core/hash.ts';
import { unwrap } from '../../../core/result.ts';
import { applyOperation, endEpoch } from '../../apply.ts';
import { audit } from '../../audit.ts';
import { initialState } from '../../genesis.ts';
import { openBodyOf, operationOf, type Person } from '../../testDoubles.ts';
import type { Genesis, LedgerEvent, LedgerState, OperationBodies, OperationKind } from '../../types.ts';
import type { Draft } from '../module.ts';
import { commitmentOf } from './commitment.ts';
import { openingsFor, outputRoot } from './grid.ts';
import { addListing, type ListingTerms, referencePlaces } from './listings.ts';
import { type Assignment, assignmentsOf } from './queries.ts';
import type { ListingContent, ListingId } from './types.ts';

/**
 * Listings, workers and epochs without blocks: operations are applied one by one to one state, as a block would, and money is
 * audited at the end of every epoch. For tests and for the simulation.
 */
export interface MintWorld {
  readonly state: LedgerState;
  readonly events: readonly LedgerEvent[];
  /** The reason, if it was refused. */
  act<Kind extends OperationKind>(
    person: Person,
    kind: Kind,
    body: OperationBodies[Kind],
  ): string | undefined;
  endEpochs(count?: number): void;
  /** What governance would do. */
  change<T>(by: (draft: Draft) => T): T;
}

export const createMintWorld = (genesis: Genesis): MintWorld => {
  let state = initialState(genesis);
  const events: LedgerEvent[] = [];
  const act: MintWorld['act'] = (person, kind, body) => {
    if (kind !== 'open' && !state.accounts.get(person.id)?.key) act(person, 'open', openBodyOf(person));
    const draft: Draft = { ...state };
    const operation = operationOf(state, person.device, { account: person.id, kind, body });
    const done = applyOperation(draft, operation, events);
    if (!done.ok) return done.error.message;
    state = draft;
    return undefined;
  };
  return {
    get state() {
      return state;
    },
    events,
    act,
    endEpochs(count = 1) {
      for (let i = 0; i < count; i++) {
        state = endEpoch(state, events);
        unwrap(audit(state));
      }
    },
    change(by) {
      const draft: Draft = { ...state };
      const result = by(draft);
      state = draft;
      return result;
    },
  };
};

export const hashOf = (text: string) => sha256Bytes(utf8(text));

/** Work that matches by hash; unit i's right output is `rightOutput`. */
export const createTerms = (given: Partial<ListingContent> & { readonly title: string }): ListingTerms => {
  const content: ListingContent = {
    class: 'ocr',
    model: hashOf(`model of ${given.title}`),
    inputs: hashOf(`inputs of ${given.title}`),
    units: 1_000,
    cost: 1_000,
    cpuMilliseconds: 36_000,
    memoryMegabyteSeconds: 3_600,
    match: { kind: 'hash' },
    ...given,
  };
  const inputs = [hashOf('reference 0'), hashOf('reference 1')];
  if (content.match.kind === 'hash')
    return { ...content, references: inputs.map((input) => ({ input, output: input, openings: [] })) };
  const { values } = content.match;
  const outputs = inputs.map((_, i) => Int32Array.from({ length: values }, (__, at) => 100 * i + at));
  const places = referencePlaces(content, outputs.map(outputRoot));
  const references = outputs.map((output, i) => ({
    input: inputs[i] ?? hashOf(''),
    output: outputRoot(output),
    openings: openingsFor(output, places),
  }));
  return { ...content, references };
};

export const list = (world: MintWorld, terms: ListingTerms): ListingId =>
  unwrap(world.change((draft) => addListing(draft, terms)));

/** What somebody would say the output of a unit is; undefined: nothing, it is silent. */
export type Answer = (assignment: Assignment) => Uint8Array | Int32Array | undefined;

export const rightOutput = (listing: ListingId, unit: number) => hashOf(`${listing}/${unit} is right`);
export const honest: Answer = ({ listing, unit }) => rightOutput(listing, unit);
export const isRight = (listing: ListingId, unit: number, output: Uint8Array): boolean =>
  equalBytes(output, rightOutput(listing, unit));

/** Does what is due of this person now, by its answers. Gives the refusals, of which there should be none. */
export const takeTurn = (
  world: Pick<MintWorld, 'state' | 'act'>,
  person: Person,
  answer: Answer,
): readonly string[] =>
  assignmentsOf(world.state, person.id).flatMap((due) => {
    const given = answer(due);
    return given ? (actOn(world, person, due, given) ?? []) : [];
  });

const actOn = (
  world: Pick<MintWorld, 'act'>,
  person: Person,
  due: Assignment,
  given: Uint8Array | Int32Array,
) => {
  const { listing, unit, slot = 0, places } = due;
  const output = given instanceof Int32Array ? outputRoot(given) : new Uint8Array(given);
  const openings = given instanceof Int32Array ? openingsFor(given, places) : [];
  const salt = hashOf(`salt of ${person.id}`);
  switch (due.what) {
    case 'commit': {
      const commitment = commitmentOf({ account: person.id, listing, unit, output, salt });
      return world.act(person, 'commit', { listing, unit, slot, commitment });
    }
    case 'reveal':
      return world.act(person, 'reveal', { listing, unit, slot, output, salt });
    case 'openings':
      return world.act(person, 'openings', { listing, unit, slot, openings });
    case 'judge':
      return world.act(person, 'judge', { listing, unit, output, openings });
    default:
      return due.what satisfies never;
  }
};
