import type { CborValue } from '../../../core/codec.ts';

// biome-ignore lint/complexity/noBannedTypes: no kind of its own yet
export type MintBodies = {};
export type MintState = { readonly [name: string]: CborValue };
