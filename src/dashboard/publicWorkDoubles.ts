import type { OpenPublicWorkView, PublicWorkCommands, PublicWorkView } from '../app/readModels.ts';
import type { WritableStore } from '../core/events.ts';
import { err, ok } from '../core/result.ts';

/** Every state of the section on public work. */
export const publicWorkScenarios = [
  'working',
  'listed',
  'nothing',
  'offered',
  'measuring',
  'elsewhere',
  'trouble',
  'off',
] as const;
export type PublicWorkScenario = (typeof publicWorkScenarios)[number];

const working: OpenPublicWorkView = {
  phase: 'open',
  listings: [
    {
      id: 'l1',
      title: 'Parish registers of Upper Marsh, 1803–1861',
      units: 1_240,
      accepted: 312,
      voided: 2,
      reward: 118_250,
      closed: false,
      obstacle: undefined,
    },
    {
      id: 'l2',
      title: 'Weather diaries',
      units: 60,
      accepted: 60,
      voided: 0,
      reward: 97_000,
      closed: false,
      obstacle: undefined,
    },
    {
      id: 'l3',
      title: 'Letters from the harbour office',
      units: 400,
      accepted: 12,
      voided: 0,
      reward: 130_500,
      closed: false,
      obstacle: 'This host does not offer its pages.',
    },
  ],
  offered: [],
  worker: {
    wanted: true,
    obstacle: undefined,
    phase: 'reading',
    doing: 'reading page 407 of “Parish registers of Upper Marsh, 1803–1861”',
    problem: undefined,
    pageMs: 2_340,
    asked: 6,
    held: 3,
  },
  earnings: {
    streak: 14,
    veteranStreak: 10,
    accepted: 71,
    unvested: 1_655_500,
    next: { reward: 118_250, units: 4 },
  },
  listing: { phase: 'idle', refusal: undefined, deposit: 0 },
};
const fresh: OpenPublicWorkView = {
  ...working,
  worker: {
    wanted: false,
    obstacle: undefined,
    phase: 'off',
    doing: 'switched off',
    problem: undefined,
    pageMs: undefined,
    asked: 0,
    held: 0,
  },
  earnings: { streak: 0, veteranStreak: 10, accepted: 0, unvested: 0, next: undefined },
};
const offered: OpenPublicWorkView = {
  ...fresh,
  listings: [],
  offered: [{ id: 'p1', name: 'harbour-letters', pages: 400, state: 'unlisted' }],
  listing: { phase: 'idle', refusal: undefined, deposit: 100_000_000 },
};

export const fixturePublicWork = (scenario: PublicWorkScenario): PublicWorkView => {
  switch (scenario) {
    case 'working':
      return working;
    case 'listed':
      return fresh;
    case 'nothing':
      return { ...fresh, listings: [] };
    case 'offered':
      return offered;
    case 'measuring':
      return {
        ...offered,
        listing: { phase: 'running', pages: 'p1', doing: 'Reading page 2 to see what one costs' },
      };
    case 'elsewhere':
      return {
        ...fresh,
        worker: {
          ...fresh.worker,
          obstacle:
            'another device signs for this account: public work is done there, or move the wallet here',
        },
      };
    case 'trouble':
      return {
        ...working,
        worker: {
          ...working.worker,
          phase: 'waiting',
          doing: 'waiting to be drawn at the end of an epoch',
          problem: 'the host sent another page than 3f9ac4d20b11…: it is not read',
        },
      };
    case 'off':
      return { phase: 'off', reason: 'This host keeps no ledger.' };
    default:
      return scenario satisfies never;
  }
};

/** Commands change the store as the real ones would. */
export const createFixturePublicWorkCommands = (
  view: WritableStore<PublicWorkView>,
  note: (call: string) => void,
): PublicWorkCommands => {
  const change = (by: (open: OpenPublicWorkView) => OpenPublicWorkView) =>
    view.update((now) => (now.phase === 'open' ? by(now) : now));
  return {
    async setPublicWork(wanted) {
      note(`public work ${wanted}`);
      const phase = wanted ? 'waiting' : 'off';
      const doing = wanted ? 'waiting to be drawn at the end of an epoch' : 'switched off';
      change((open) => ({ ...open, worker: { ...open.worker, wanted, phase, doing } }));
      return ok(undefined);
    },
    async proposeListing({ title, pages }) {
      note(`list ${title}`);
      if (title === 'same') return err('The first 8 pages have the same text.');
      change((open) => ({
        ...open,
        offered: open.offered.map((one) => (one.id === pages ? { ...one, state: 'proposed' } : one)),
      }));
      return ok(undefined);
    },
    cancelListing: () => note('cancel listing'),
  };
};
