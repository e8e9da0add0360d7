/** Numbers from 0 (inclusive) to 1, the same for the same seed on every machine. */
export type Draw = () => number;

/** splitmix32: enough for pictures. */
export const createDraw = (seed: number): Draw => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
};

export const pick = <T>(draw: Draw, values: readonly T[]): T => {
  const value = values[Math.floor(draw() * values.length)];
  if (value === undefined) throw new Error('pick: no values');
  return value;
};

export const wholeNumber = (draw: Draw, from: number, to: number): number =>
  from + Math.floor(draw() * (to - from + 1));
