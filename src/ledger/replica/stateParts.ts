import type { CborValue } from '../../core/codec.ts';
import { contentOf } from '../stateRoot.ts';
import { emptyTable, type HashTree, isTable, type Table } from '../table/index.ts';
import type { LedgerState } from '../types.ts';

/**
 * A state on its way from the worker that checked it to the page that shows it: what a structured clone can carry, in
 * messages so small that the page draws between them. Both ends are this page, so nothing is checked.
 */
export type StatePart =
  | {
      readonly kind: 'first';
      readonly position: LedgerState['position'];
      /** The content without its tables. */
      readonly rest: Plain;
      /** Where the tables belong. */
      readonly tables: readonly (readonly string[])[];
    }
  | {
      readonly kind: 'entries';
      readonly table: number;
      readonly entries: readonly (readonly [string, CborValue])[];
    }
  | { readonly kind: 'last' };

type Plain = CborValue | { readonly [name: string]: Plain };

const entriesPerPart = 250;

export function* partsOfState(state: LedgerState): Generator<StatePart, void> {
  const tables: { readonly path: readonly string[]; readonly table: Table }[] = [];
  const rest = withoutTables(contentOf(state), [], (path, table) => tables.push({ path, table }));
  yield { kind: 'first', position: state.position, rest, tables: tables.map(({ path }) => path) };
  for (const [index, { table }] of tables.entries()) {
    let entries: (readonly [string, CborValue])[] = [];
    for (const entry of table.entries()) {
      entries.push(entry);
      if (entries.length < entriesPerPart) continue;
      yield { kind: 'entries', table: index, entries };
      entries = [];
    }
    if (entries.length > 0) yield { kind: 'entries', table: index, entries };
  }
  yield { kind: 'last' };
}

/** Takes parts in their order; the last one gives the state. A first one begins again. */
export const createStateBuilder = () => {
  let first: Extract<StatePart, { kind: 'first' }> | undefined;
  let tables: Table[] = [];
  return {
    add(part: StatePart): LedgerState | undefined {
      switch (part.kind) {
        case 'first':
          first = part;
          tables = part.tables.map(() => emptyTable());
          return undefined;
        case 'entries': {
          let table = tables[part.table] ?? emptyTable();
          for (const [key, value] of part.entries) table = table.set(key, value);
          tables[part.table] = table;
          return undefined;
        }
        case 'last': {
          if (!first) return undefined;
          const { position, rest, tables: paths } = first;
          let content: HashTree = rest;
          for (const [index, path] of paths.entries())
            content = withTable(content, path, tables[index] ?? emptyTable());
          first = undefined;
          return { ...(content as unknown as ReturnType<typeof contentOf>), position };
        }
        default:
          return part satisfies never;
      }
    },
  };
};

const isPlainObject = (value: unknown): value is { readonly [name: string]: HashTree } =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);

const withoutTables = (
  tree: unknown,
  path: readonly string[],
  found: (path: readonly string[], table: Table) => void,
): Plain => {
  if (!isPlainObject(tree)) return tree as CborValue;
  const rest: Record<string, Plain> = {};
  for (const [name, member] of Object.entries(tree)) {
    if (isTable(member)) found([...path, name], member);
    else rest[name] = withoutTables(member, [...path, name], found);
  }
  return rest;
};

const withTable = (tree: HashTree, [name, ...rest]: readonly string[], table: Table): HashTree => {
  if (name === undefined) return table;
  const members = isPlainObject(tree) ? tree : {};
  return { ...members, [name]: withTable(members[name] ?? {}, rest, table) };
};
