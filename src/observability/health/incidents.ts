import * as v from 'valibot';
import { createStore, type Store } from '../../core/events.ts';
import { finiteSchema, parseWith } from '../../core/schema.ts';
import type { Journal } from '../journal.ts';
import type { Incident } from './types.ts';

/** What went wrong on this device and is over, newest first: of this tab at once, of others and of earlier lives when they are read. */
export interface IncidentBook {
  readonly ended: Store<readonly Incident[]>;
  add(incident: Incident): void;
  /** From now on they outlive the tab; resolves when those of earlier lives are here. What the disk refuses lives as long as this tab. */
  keepIn(journal: Pick<Journal<Incident>, 'append' | 'read'>): Promise<void>;
}

const kept = 100;

export const createIncidentBook = (): IncidentBook => {
  const ended = createStore<readonly Incident[]>([]);
  let journal: Pick<Journal<Incident>, 'append'> | undefined;
  const show = (incidents: readonly Incident[]) =>
    ended.set(incidents.toSorted((a, b) => endOf(b) - endOf(a)).slice(0, kept));
  return {
    ended,
    add(incident) {
      journal?.append(incident);
      show([incident, ...ended.get()]);
    },
    async keepIn(into) {
      for (const incident of ended.get().toReversed()) into.append(incident);
      journal = into;
      const stored = (await into.read()).map(({ item }) => item);
      const known = new Set(ended.get().map(nameOf));
      show([...ended.get(), ...stored.filter((incident) => !known.has(nameOf(incident)))]);
    },
  };
};

const endOf = ({ endedAt, startedAt }: Incident): number => endedAt ?? startedAt;
/** Two tabs may see one fault: each its own incident. */
const nameOf = ({ check, startedAt, endedAt }: Incident): string => `${check} ${startedAt} ${endedAt}`;

const time = v.pipe(finiteSchema, v.minValue(0), v.maxValue(8.64e15));
const id = v.pipe(v.string(), v.maxLength(100));
const incidentSchema = v.pipe(
  v.object({
    check: id,
    startedAt: time,
    endedAt: time,
    message: v.pipe(v.string(), v.maxLength(2_000)),
    actions: v.pipe(v.array(v.object({ id, at: time, helped: v.boolean() })), v.maxLength(100)),
  }),
  v.check(({ startedAt, endedAt }) => startedAt <= endedAt, 'it ended before it began'),
);

/** What lies on the disk, if it is an incident that is over. */
export const parseIncident = (value: unknown): Incident | undefined => {
  const parsed = parseWith(incidentSchema, value);
  return parsed.ok ? parsed.value : undefined;
};
