import type { BlockId } from '../types.ts';
import type { Heads } from './types.ts';

/** What another's heads mean to a replica. */
export type Comparison =
  /** Where both can be compared they are equal. */
  | { readonly kind: 'agree' }
  /** It has blocks that are not here. */
  | { readonly kind: 'ahead'; readonly height: number }
  /** At this height it names another block: ask it for that block, which is proof if it is certified. */
  | { readonly kind: 'contradiction'; readonly height: number };

/** `idAt`: our block of a height, as far as it is known. Whatever is told is a claim, and costs a look only. */
export const compareHeads = (
  own: Pick<Heads, 'height'>,
  idAt: (height: number) => BlockId | undefined,
  told: Heads,
): Comparison => {
  for (const { height, head } of [told.epoch, told]) {
    const known = idAt(height);
    if (known !== undefined && known !== head) return { kind: 'contradiction', height };
  }
  return told.height > own.height ? { kind: 'ahead', height: told.height } : { kind: 'agree' };
};
