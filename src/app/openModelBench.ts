import { ocrModelFiles } from '../compute/models/manifest.ts';
import { runtimeAssets } from '../compute/runtimes/assets.ts';
import type { WritableStore } from '../core/events.ts';
import type { Locks } from '../core/ports/locks.ts';
import { listScratchTabs, removeScratch, removeScratchTab } from '../platform/browser/scratchFiles.ts';
import { spawnModelRunsWorker, spawnQuantizeWorker } from '../platform/browser/workers.ts';
import { createModelBench, type ModelBench } from './modelBench.ts';
import type { ModelsDeps } from './models.ts';
import type { ModelsView } from './modelsView.ts';

/** The bench on this browser's workers and disk. */
export const openModelBench = async (
  deps: ModelsDeps & { readonly view: WritableStore<ModelsView>; readonly tab: string },
): Promise<ModelBench> => {
  const { tab, locks } = deps;
  // Held until the tab ends, whatever ends it: nobody takes its files for leftovers before.
  await locks.acquire(lockOf(tab));
  await sweepScratch(locks);
  return createModelBench({
    ...deps,
    profile: deps.profile.get,
    threads: () => deps.limits.get().cores,
    assets: runtimeAssets,
    spawnQuantize: spawnQuantizeWorker,
    spawnRuns: spawnModelRunsWorker,
    scratch: { path: (name) => `${tab}/${name}`, remove: removeScratch },
  });
};

/** The model that reads lines here, as a file. */
export const loadSampleModel = async (): Promise<File> => {
  const { url } = ocrModelFiles.recognizer;
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return new File([await response.blob()], 'reading-model.onnx');
};

const lockOf = (tab: string): string => `aivillage/models/${tab}`;

/** What tabs that are gone have left on disk. */
export const sweepScratch = async (locks: Locks): Promise<void> => {
  for (const tab of await listScratchTabs()) {
    const release = await locks.tryAcquire(lockOf(tab));
    if (!release) continue;
    await removeScratchTab(tab);
    release();
  }
};
