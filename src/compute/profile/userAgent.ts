import type { UserAgentSource } from '../ports.ts';

/** "Chrome 156 on Linux", for people; never used to decide what a browser can do. */
export const describeUserAgent = (source: UserAgentSource): { label: string; mobile: boolean } => {
  const browser = brandOf(source) ?? browserOf(source.text) ?? 'A browser';
  const iPad = /Macintosh/.test(source.text) && (source.touchPoints ?? 0) > 1;
  const system = iPad ? 'iPadOS' : ((source.platform || systemOf(source.text)) ?? 'an unknown system');
  const mobile = source.mobile ?? (iPad || /Mobi|Android|iPhone|iPad/.test(source.text));
  return { label: `${browser} on ${system}`.slice(0, 80), mobile };
};

/** The list holds an invented brand ("Not?A_Brand") and the engine; the product is what remains. */
const brandOf = ({ brands }: UserAgentSource): string | undefined => {
  const real = brands?.filter(({ brand }) => !/not.?a.?brand|^not/i.test(brand)) ?? [];
  const product = real.find(({ brand }) => brand !== 'Chromium') ?? real[0];
  return product && `${product.brand.replace(/^Google /, '')} ${product.version.split('.')[0]}`;
};

const browserPatterns: readonly (readonly [string, RegExp])[] = [
  ['Edge', /Edg(?:e|A|iOS)?\/(\d+)/],
  ['Opera', /OPR\/(\d+)/],
  ['Samsung Internet', /SamsungBrowser\/(\d+)/],
  ['Firefox', /(?:Firefox|FxiOS)\/(\d+)/],
  ['Chrome', /(?:Chrome|CriOS)\/(\d+)/],
  ['Safari', /Version\/(\d+)[\d.]* (?:Mobile\/\w+ )?Safari/],
];

const browserOf = (text: string): string | undefined => {
  for (const [name, pattern] of browserPatterns) {
    const version = pattern.exec(text)?.[1];
    if (version) return `${name} ${version}`;
  }
  return undefined;
};

const systemPatterns: readonly (readonly [string, RegExp])[] = [
  ['Android', /Android/],
  ['iOS', /iPhone|iPad|iPod/],
  ['Windows', /Windows/],
  ['macOS', /Macintosh|Mac OS X/],
  ['ChromeOS', /CrOS/],
  ['Linux', /Linux|X11/],
];

const systemOf = (text: string): string | undefined =>
  systemPatterns.find(([, pattern]) => pattern.test(text))?.[0];
