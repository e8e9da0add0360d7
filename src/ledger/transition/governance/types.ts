import type { CborValue } from '../../../core/codec.ts';

// biome-ignore lint/complexity/noBannedTypes: no kind of its own yet
export type GovernanceBodies = {};
export type GovernanceState = { readonly [name: string]: CborValue };
