/**
 * Ternary weight networks (Li, Zhang, Liu, "Ternary Weight Networks", 2016): weights up to Δ = 0.7·mean|w| become 0, the scale is
 * the mean of the others' sizes, which is their least squares. Here for each block and not for a layer.
 *
 * Rounding to the nearest of −α, 0 and α puts the border at α/2. That is where the code is closest, and with α found from Δ it
 * is near Δ; the scale is fitted once more to what is then on its outer side.
 */
export const ternaryScale = (weights: Float32Array, start: number, count: number): number => {
  let sum = 0;
  for (let i = start; i < start + count; i++) sum += Math.abs(weights[i] ?? 0);
  const first = meanBeyond(weights, start, count, (0.7 * sum) / count);
  return meanBeyond(weights, start, count, first / 2);
};

const meanBeyond = (weights: Float32Array, start: number, count: number, border: number): number => {
  let sum = 0;
  let found = 0;
  for (let i = start; i < start + count; i++) {
    const size = Math.abs(weights[i] ?? 0);
    if (size <= border) continue;
    sum += size;
    found++;
  }
  return found === 0 ? 0 : sum / found;
};
