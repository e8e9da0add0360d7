import type { DeviceProfile } from '../compute/contracts.ts';
import { milliseconds } from '../core/brand.ts';
import { toHex } from '../core/bytes.ts';
import { createStore, type Store } from '../core/events.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Locks } from '../core/ports/locks.ts';
import type { Random } from '../core/ports/random.ts';
import type { Telemetry } from '../core/ports/telemetry.ts';
import type { Timers } from '../core/ports/timers.ts';
import type { ModelBench } from './modelBench.ts';
import { type ModelsView, noModel } from './modelsView.ts';
import type { ModelCommands } from './readModels.ts';

export type ModelsDeps = {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly telemetry: Telemetry;
  readonly locks: Locks;
  readonly random: Random;
  readonly profile: Store<DeviceProfile | undefined>;
  readonly limits: Store<{ readonly cores: number }>;
  readonly anyGpu: boolean;
};

/** After the page has settled: what is left on disk takes room, and nothing waits for it. */
const sweepAfter = milliseconds(15_000);

/** The Models screen's part of the app. All that is behind it is loaded with the first command. */
export const openModels = (
  deps: ModelsDeps,
): { readonly view: Store<ModelsView>; readonly commands: ModelCommands } => {
  const view = createStore<ModelsView>(noModel);
  let bench: Promise<ModelBench> | undefined;
  deps.timers.after(sweepAfter, () => {
    import('./openModelBench.ts')
      .then(({ sweepScratch }) => sweepScratch(deps.locks))
      .catch((cause: unknown) => deps.telemetry.log('warn', 'models', `leftovers stay: ${String(cause)}`));
  });
  const load = async (): Promise<ModelBench> => {
    const { openModelBench } = await import('./openModelBench.ts');
    const tab = toHex(deps.random.bytes(8));
    return openModelBench({ ...deps, view, tab });
  };
  const use = (): Promise<ModelBench> => {
    // Without a network it may fail once and be there the next time.
    bench ??= load().catch((cause: unknown) => {
      bench = undefined;
      throw cause;
    });
    return bench;
  };
  return {
    view,
    commands: {
      openModel: async (files) => (await use()).open(files),
      openSampleModel: async () => {
        const { loadSampleModel } = await import('./openModelBench.ts');
        return (await use()).open([await loadSampleModel()]);
      },
      closeModel: async () => (await use()).close(),
      checkModel: async () => (await use()).check(),
      quantizeModel: async (recipe) => (await use()).quantize(recipe),
      compareModels: async (settings) => (await use()).compare(settings),
      cancelModelWork: async () => (await use()).cancel(),
      discardQuantized: async () => (await use()).discard(),
    },
  };
};
