import type { Attribute } from './types.ts';

/** Attributes as values, for code that builds nodes. */
export const int = (value: number): Attribute => ({ type: 'int', value });
export const ints = (...value: readonly number[]): Attribute => ({ type: 'ints', value });
/** Rounded to float32, which is what a file can hold. */
export const float = (value: number): Attribute => ({ type: 'float', value: Math.fround(value) });
export const text = (value: string): Attribute => ({ type: 'string', value });
