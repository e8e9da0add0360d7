import { milliseconds } from '../../core/brand.ts';
import { createStore, type Store } from '../../core/events.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { ListingRunView, PublicWorkCommands, PublicWorkView } from '../publicWorkView.ts';
import { measureListing } from './listing.ts';
import type { InputList, PageSource } from './source.ts';
import { mayPropose, publicWorkViewOf } from './view.ts';
import { openPublicWorker, type WorkerDeps } from './worker.ts';

export type PublicWorkDeps = Omit<WorkerDeps, 'lists' | 'source'> & { readonly source: PageSource };

export type PublicWork = {
  readonly view: Store<PublicWorkView>;
  readonly commands: PublicWorkCommands;
  close(): void;
};

/** A host that was restarted may offer other pages. */
const listEvery = milliseconds(60_000);
/** What the page says of time and of others changes without an event of ours. */
const showEvery = milliseconds(1_000);

/** Public work in this tab: what is listed, the worker that does it, and what it takes to list more. */
export const openPublicWork = (deps: PublicWorkDeps): PublicWork => {
  const { ledger, timers, telemetry } = deps;
  const lists = createStore<readonly InputList[]>([]);
  const worker = openPublicWorker({ ...deps, lists });
  const view = createStore<PublicWorkView>({ phase: 'opening' });
  let running: { readonly abort: AbortController; readonly run: ListingRunView } | undefined;
  let looking = false;

  const show = (): void => {
    const state = ledger.state.get();
    if (!state) {
      if (view.get().phase !== 'opening') view.set({ phase: 'opening' });
      return;
    }
    const idle = { phase: 'idle' as const, ...mayPropose(state, ledger.account, deps.holder.get()) };
    const next = publicWorkViewOf(state, ledger.account, {
      lists: lists.get(),
      status: worker.status.get(),
      listing: running?.run ?? idle,
    });
    if (JSON.stringify(next) !== JSON.stringify(view.get())) view.set(next);
  };
  const lookForPages = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    const found = await deps.source.lists();
    looking = false;
    if (!found.ok) {
      telemetry.log('warn', 'public work', found.error.message);
      return;
    }
    const keysOf = (all: readonly InputList[]) => all.map(({ key, name }) => `${key} ${name}`).join('\n');
    if (keysOf(found.value) !== keysOf(lists.get())) lists.set(found.value);
  };

  const proposeListing: PublicWorkCommands['proposeListing'] = async ({ title, pages }) => {
    const list = lists.get().find(({ key }) => key === pages);
    if (running) return err('A list is being measured already.');
    if (!list) return err('The host does not offer these pages any more.');
    const named = title.trim();
    if (named === '' || named.length > 80) return err('Give it a title of 1 to 80 characters.');
    const abort = new AbortController();
    const say = (doing: string): void => {
      running = { abort, run: { phase: 'running', pages, doing } };
      show();
    };
    say('Reading a first page');
    try {
      return await measureAndPropose(deps, { list, title: named }, say, abort.signal);
    } finally {
      running = undefined;
      show();
    }
  };

  const stops = [
    timers.every(listEvery, () => void lookForPages()),
    timers.every(showEvery, show),
    ledger.state.subscribe(show),
    lists.subscribe(show),
    worker.status.subscribe(show),
  ];
  void lookForPages();
  show();
  return {
    view,
    commands: {
      async setPublicWork(wanted) {
        try {
          await worker.setWanted(wanted);
          return ok(undefined);
        } catch (cause) {
          return err(`This can't be kept here: ${cause instanceof Error ? cause.message : String(cause)}`);
        }
      },
      proposeListing,
      cancelListing: () => running?.abort.abort(),
    },
    close() {
      for (const stop of stops) stop();
      running?.abort.abort();
      worker.close();
    },
  };
};

const measureAndPropose = async (
  deps: PublicWorkDeps,
  wanted: { readonly list: InputList; readonly title: string },
  say: (doing: string) => void,
  signal: AbortSignal,
): Promise<Result<void, string>> => {
  const onPage = (read: number) => say(`Reading page ${read + 1} to see what one costs`);
  const terms = await measureListing(deps, wanted, onPage, signal);
  if (!terms.ok) return err(terms.error.code === 'cancelled' ? 'Stopped.' : terms.error.message);
  say('Signing the proposal');
  const sent = await deps.ledger.submit('propose', {
    description: `Public work: ${wanted.title} (${wanted.list.pages.length} pages)`,
    actions: [{ kind: 'listing', listing: terms.value }],
    countersignatures: [],
  });
  if (!sent.ok) return err(sent.error.message);
  say('Waiting for the keepers');
  const outcome = await sent.value.settled();
  return outcome.phase === 'final' ? ok(undefined) : err(outcome.reason);
};
