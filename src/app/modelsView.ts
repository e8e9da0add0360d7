import type {
  CompareSettings,
  ModelComparison,
  ModelDescription,
  QuantizedModel,
  QuantizeProgress,
  Recipe,
  RecipePlan,
} from '../../workers/protocol.ts';
import type { RuntimeKind } from '../compute/contracts.ts';

export type RuntimeCheck =
  | { readonly phase: 'unknown' }
  | { readonly phase: 'running' }
  | { readonly phase: 'runs'; readonly openMs: number }
  | { readonly phase: 'refused'; readonly reason: string }
  | { readonly phase: 'not-tried'; readonly reason: string };

/** The Models screen: one model, what was found out about it and what was made of it. Lasts as long as the tab. */
export type ModelsView = {
  readonly file:
    | { readonly phase: 'none' }
    | { readonly phase: 'reading'; readonly name: string }
    | { readonly phase: 'refused'; readonly name: string; readonly reason: string }
    | {
        readonly phase: 'open';
        readonly name: string;
        readonly description: ModelDescription;
        readonly plans: readonly RecipePlan[];
      };
  readonly checks: Readonly<Record<RuntimeKind, RuntimeCheck>>;
  readonly work:
    | { readonly phase: 'none' }
    | {
        readonly phase: 'running';
        readonly recipe: Recipe;
        readonly progress: QuantizeProgress | undefined;
      }
    | { readonly phase: 'cancelled'; readonly recipe: Recipe }
    | { readonly phase: 'failed'; readonly recipe: Recipe; readonly reason: string }
    | {
        readonly phase: 'done';
        readonly recipe: Recipe;
        readonly name: string;
        readonly report: Omit<QuantizedModel, 'file'>;
        /** A handle; the bytes are on disk. */
        readonly file: Blob;
      };
  readonly comparison:
    | { readonly phase: 'none' }
    | { readonly phase: 'running'; readonly done: number; readonly total: number }
    | { readonly phase: 'failed'; readonly reason: string }
    | { readonly phase: 'done'; readonly settings: CompareSettings; readonly result: ModelComparison };
};

export const unchecked: ModelsView['checks'] = { wasm: { phase: 'unknown' }, webgpu: { phase: 'unknown' } };

export const noModel: ModelsView = {
  file: { phase: 'none' },
  checks: unchecked,
  work: { phase: 'none' },
  comparison: { phase: 'none' },
};
