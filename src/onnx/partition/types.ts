import type { Sha256 } from '../../core/brand.ts';
import type { DataType, Model, Shape } from '../ir/types.ts';

/** What a plan of stages says: which part of a model runs where, what goes between, and which bytes of the file each needs. */
export type PlanOptions = {
  /** One number a stage, relative to each other: the memory or the speed of who will run it. */
  readonly capacities: readonly number[];
  /**
   * What is shared out in proportion. `bytes`, the default: of the weights. `flops`: multiplications with weights for one token or
   * image; what attention does besides depends on the length and is not counted.
   */
  readonly cost?: 'bytes' | 'flops';
  /**
   * The most positions that will be used: rows of rotary tables beyond it are left out. Told by the operators that take them
   * (GroupQueryAttention, RotaryEmbedding); what asks for a later position fails in the runtime.
   */
  readonly maxContext?: number;
  /**
   * Inputs that are all ones by construction, as an attention mask without padding: instead of each a stage takes
   * `<name>.length`, int64 [1], which is its last dimension. Wrong results if one has other elements.
   */
  readonly ones?: readonly string[];
  /** Ranges of the file with at most so many bytes between them become one. 4096 if it isn't given. */
  readonly gap?: number;
};

/** The stages in order. All but their models can be written as JSON. */
export type StagePlan = { readonly stages: readonly Stage[] };

export type Stage = {
  /** Runs as it is where the source is; its weights lie where the model's do, or, shortened, in a part of that. */
  readonly model: Model;
  readonly inputs: readonly StageInput[];
  readonly outputs: readonly StageOutput[];
  /** What the next step gets back of this one: the output `present` as the input `past`. */
  readonly caches: readonly Cache[];
  /** Received from the stage before; undefined in the first. */
  readonly received: Hidden | undefined;
  /** Sent to the next stage; undefined in the last. */
  readonly sent: Hidden | undefined;
  readonly tensors: readonly StageTensor[];
  /** Of `tensors` in files, in order, without overlap. */
  readonly ranges: readonly ByteRange[];
  /** Of all `tensors`, one that two names share counted once. */
  readonly bytes: number;
};

export type StageInput = Port & {
  /**
   * `tokens`: what the person says; the first stage alone. `shared`: mask, positions, lengths; the same to every stage that has
   * it. `cache`: kept by who runs the stage. `previous`: the hidden state. `other`: a further input of this stage alone.
   */
  readonly from: 'tokens' | 'shared' | 'cache' | 'previous' | 'other';
};
export type StageOutput = Port & { readonly to: 'next' | 'cache' | 'result' };
export type Port = { readonly name: string; readonly dtype: DataType; readonly shape: Shape };
export type Cache = { readonly past: string; readonly present: string };

/**
 * The one tensor between two stages. `value`: it is in the model too, by this name. `sum`: of the two that a fused norm would
 * have added; exact in float32. `pair`: those two side by side along the last axis; exact in every type, twice the bytes.
 */
export type Hidden = Port & { readonly form: 'value' | 'sum' | 'pair' };

export type StageTensor = {
  readonly name: string;
  readonly dtype: DataType;
  readonly dims: readonly number[];
  readonly length: number;
  /** `inline`: small, and within the stage's own model. */
  readonly place: { readonly kind: 'inline' } | FilePlace;
  /** Of the bytes, as `hashTensor` says; filled in by `hashPlan`. */
  readonly sha256?: Sha256;
};
/** `location` is an external file; undefined is the model's own. */
export type FilePlace = {
  readonly kind: 'file';
  readonly location: string | undefined;
  readonly offset: number;
};

export type ByteRange = {
  readonly location: string | undefined;
  readonly offset: number;
  readonly length: number;
};
