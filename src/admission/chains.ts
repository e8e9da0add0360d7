import type { AccountId, DeviceId } from '../core/brand.ts';
import type { Act } from './acts.ts';
import { type ActId, noAct } from './protocol.ts';

/** One device signed two acts for one place in its chain: proof that it lied, or that its storage was copied. */
export type Fork = {
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly seq: number;
  readonly ids: readonly ActId[];
};

export type Chains = {
  /** Acts that follow from the beginning of their device's chain. */
  readonly linked: ReadonlySet<ActId>;
  readonly forks: readonly Fork[];
};

/**
 * Which acts of each device count: one for each place, each naming the one before it. Of two for one place a pinned one
 * counts (the founder has named it as the last that stands), else the one with the lower id: the same on every peer.
 */
export const resolveChains = (acts: readonly Act[], pinned: ReadonlySet<ActId>): Chains => {
  const linked = new Set<ActId>();
  const forks: Fork[] = [];
  for (const chain of groupBy(acts, ({ author }) => author.device).values()) {
    const wanted = withAncestors(chain, pinned);
    const placesBySeq = groupBy(chain, ({ seq }) => seq);
    for (const place of placesBySeq.values()) if (place.length > 1) forks.push(forkOf(place));
    let last: Act | undefined;
    for (let seq = 0; ; seq++) {
      const next = (placesBySeq.get(seq) ?? [])
        .filter((act) => follows(act, last))
        .sort((a, b) => Number(wanted.has(b.id)) - Number(wanted.has(a.id)) || compareIds(a.id, b.id))[0];
      if (!next) break;
      linked.add(next.id);
      last = next;
    }
  }
  return { linked, forks: forks.sort((a, b) => compareIds(a.ids[0] ?? noAct, b.ids[0] ?? noAct)) };
};

/** Before any act that has seen it, on every peer: the order in which acts take effect. */
export const inOrder = (a: Act, b: Act): number => a.lamport - b.lamport || compareIds(a.id, b.id);

export const follows = (act: Act, last: Act | undefined): boolean =>
  last === undefined
    ? act.seq === 0 && act.previous === noAct
    : act.seq === last.seq + 1 && act.previous === last.id && act.lamport > last.lamport;

/** By code units, never by a locale: peers speak many languages. */
const compareIds = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const withAncestors = (chain: readonly Act[], pinned: ReadonlySet<ActId>): ReadonlySet<ActId> => {
  const byId = new Map(chain.map((act) => [act.id, act]));
  const wanted = new Set<ActId>();
  for (const { id } of chain) {
    if (!pinned.has(id)) continue;
    for (let act = byId.get(id); act && !wanted.has(act.id); act = byId.get(act.previous)) wanted.add(act.id);
  }
  return wanted;
};

const forkOf = (place: readonly Act[]): Fork => {
  const [first] = place;
  if (!first) throw new Error('a fork has acts');
  return { ...first.author, seq: first.seq, ids: place.map(({ id }) => id).sort(compareIds) };
};

const groupBy = <Key>(acts: readonly Act[], keyOf: (act: Act) => Key): Map<Key, Act[]> => {
  const groups = new Map<Key, Act[]>();
  for (const act of acts) {
    const group = groups.get(keyOf(act));
    if (group) group.push(act);
    else groups.set(keyOf(act), [act]);
  }
  return groups;
};
