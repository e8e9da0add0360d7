import { expect, it } from 'vitest';
import { stateRootOf } from '../stateRoot.ts';
import { createPerson, createTestGenesis } from '../testDoubles.ts';
import { createStateBuilder, partsOfState } from './stateParts.ts';
import { createTestChain } from './testDoubles.ts';

it('a state is the same after a clone of its parts, and begins again with a first part', () => {
  const people = Array.from({ length: 600 }, (_, at) => createPerson(`${at}`));
  const allocations = people.map(({ id }, at) => ({ account: id, amount: 1 + at }));
  const { state } = createTestChain(createTestGenesis({ allocations }));
  const parts = [...partsOfState(state)].map((part) => structuredClone(part));
  expect(parts.length).toBeGreaterThan(4);
  const builder = createStateBuilder();
  for (const part of parts.slice(0, 3)) builder.add(part);
  const built = parts.map((part) => builder.add(part)).at(-1);
  expect(built && stateRootOf(built)).toEqual(stateRootOf(state));
  expect(built?.position).toEqual(state.position);
  expect(builder.add({ kind: 'last' })).toBeUndefined();
});
