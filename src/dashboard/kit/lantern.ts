import type { CSSProperties } from 'react';
import type { AccountId, PeerId } from '../../core/brand.ts';

/** A peer; or an account, where none of its peers is known (an old receipt). */
export type LanternId = PeerId | AccountId;

/** Silhouettes of paper lanterns: the cue that remains when hues can't be told apart. */
export const lanternShapes = ['globe', 'drum', 'gem', 'bell', 'house', 'drop', 'hex', 'jar'] as const;
export type LanternShape = (typeof lanternShapes)[number];

export type LanternLook = {
  readonly hue: number;
  /** The darker of two tones of the hue: twice as many colours that can be told apart. */
  readonly deep: boolean;
  readonly shape: LanternShape;
};

/** OKLCH lightness (both tones) and chroma of a theme's lanterns; styles/tokens.css holds the same numbers. */
export const lanternTones = {
  light: { lightness: 0.58, deep: 0.44, chroma: 0.135 },
  dark: { lightness: 0.84, deep: 0.68, chroma: 0.125 },
} as const;

/** Closer hues than this can't be told apart at the size of a box's outline. */
const hueStep = 15;
export const lanternHues: readonly number[] = Array.from({ length: 360 / hueStep }, (_, i) => i * hueStep);

/** A peer looks the same on every screen of everybody, because only its id decides. */
export const lanternOf = (peer: LanternId): LanternLook => {
  const hash = fnv1a(peer);
  return {
    hue: lanternHues[hash % lanternHues.length] ?? 0,
    deep: ((hash >>> 12) & 1) === 1,
    shape: lanternShapes[(hash >>> 16) % lanternShapes.length] ?? 'globe',
  };
};

/** "Anna's laptop" → "AL"; one word gives its first two letters. */
export const initialsOf = (name: string): string => {
  const words = name
    .normalize('NFC')
    .split(/[\s\-_.]+/u)
    .map((word) => word.replace(/[^\p{L}\p{N}]/gu, ''))
    .filter((word) => word !== '');
  const [first, second] = words;
  if (!first) return '?';
  const letters = second ? [...first].slice(0, 1).concat([...second].slice(0, 1)) : [...first].slice(0, 2);
  return letters.join('').toLocaleUpperCase('en');
};

/** For elements with class `tone`. */
export const toneOf = (peer: LanternId): CSSProperties => {
  const { hue, deep } = lanternOf(peer);
  return { '--hue': hue, '--deep': deep ? 1 : 0 } as CSSProperties;
};

// FNV-1a, 32 bit, with murmur3's finaliser so that the high bits are as well mixed as the low ones.
const fnv1a = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};
