import { type Emitter, type Name, sizeOf } from '../emitter.ts';
import { softmaxCrossEntropy } from '../losses.ts';
import { compare, div, mul, reshape, scale, sum, toFloat, where } from '../math.ts';

/**
 * The mean over the examples of each one's own masked mean, where `softmaxCrossEntropy` has one mean of all positions: long
 * texts would weigh more than short ones, and one example's gradient would depend on how long the others are. An example
 * without any position that counts is absent: it has the loss 0. Losses without masks are means of this kind as they are.
 *
 * `logits`: [rows, …, classes], of which every example has as many rows; labels and mask as for the loss itself.
 */
export const maskedByExample = (
  e: Emitter,
  logits: Name,
  { labels, mask, batch }: { readonly labels: Name; readonly mask: Name; readonly batch: number },
): Name => {
  const dims = e.dims(mask);
  const rows = reshape(e, mask, [batch, sizeOf(dims) / batch]);
  const counts = sum(e, rows, [1]);
  const some = compare(e, 'Greater', counts, e.scalar(0));
  const shares = reshape(e, div(e, rows, where(e, some, counts, e.scalar(1))), dims);
  const present = sum(e, toFloat(e, some), [0, 1], false);
  // If all are absent, the loss of a mask of ones is multiplied by 0.
  const any = compare(e, 'Greater', present, e.scalar(0));
  const meanOfPresent = softmaxCrossEntropy(e, logits, labels, where(e, any, shares, e.scalar(1)));
  return scale(e, mul(e, meanOfPresent, present), 1 / batch);
};
