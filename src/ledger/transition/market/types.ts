import type { CborValue } from '../../../core/codec.ts';

// biome-ignore lint/complexity/noBannedTypes: no kind of its own yet
export type MarketBodies = {};
export type MarketState = { readonly [name: string]: CborValue };
