/** Upper tail of the standard normal distribution, of z ≥ 0: erfc by Numerical Recipes' rational Chebyshev fit (6.2.2), relative error < 1.2e-7. */
const upperTail = (z: number): number => {
  const x = z / Math.SQRT2;
  const t = 2 / (2 + x);
  const coefficients = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
    -0.82215223, 0.17087277,
  ];
  const polynomial = coefficients.reduceRight((sum, coefficient) => sum * t + coefficient, 0);
  return (t * Math.exp(-x * x + polynomial)) / 2;
};

/** Probability of a standard normal value at least as far from zero as z. */
export const twoSidedP = (z: number): number => Math.min(1, 2 * upperTail(Math.abs(z)));

/** Two-sided 95 %. */
export const z95 = 1.959963984540054;
