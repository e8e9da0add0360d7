/** 0.183 is `18 %`; small shares keep a digit. */
export const percent = (share: number): string =>
  `${share > 0 && share < 0.1 ? (share * 100).toFixed(1) : Math.round(share * 100)} %`;

export const seconds = (value: number): string => {
  if (value < 1) return `${Math.round(value * 1_000)} ms`;
  if (value < 120) return `${short(value)} s`;
  if (value < 7_200) return `${short(value / 60)} min`;
  return `${short(value / 3_600)} h`;
};

/** Two digits are enough to decide upon. */
const short = (value: number): string =>
  value < 9.95 ? value.toFixed(1).replace(/\.0$/, '') : number(value);

export const number = (value: number): string => Math.round(value).toLocaleString('en');

export const countOf = (n: number, thing: string): string =>
  `${number(n)} ${thing}${Math.round(n) === 1 ? '' : 's'}`;

/** Names of peers and methods are strangers' texts. */
export const quoted = (text: string): string => `“${text.length <= 40 ? text : `${text.slice(0, 39)}…`}”`;
