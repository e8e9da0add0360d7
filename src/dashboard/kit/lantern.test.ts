import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { PeerId } from '../../core/brand.ts';
import { initialsOf, lanternHues, lanternOf, lanternShapes, lanternTones } from './lantern.ts';

const peer = (id: string) => id as PeerId;
const tokens = readFileSync(new URL('../styles/tokens.css', import.meta.url), 'utf8');

describe('the look of a lantern', () => {
  it('depends on the id alone', () => {
    expect(lanternOf(peer('abc'))).toEqual(lanternOf(peer('abc')));
    expect(lanternOf(peer('abc'))).not.toEqual(lanternOf(peer('abd')));
  });

  it('uses every hue and every shape about equally', () => {
    const looks = Array.from({ length: 4_800 }, (_, i) => lanternOf(peer(`peer-${i}`)));
    for (const hue of lanternHues) {
      const share = looks.filter((look) => look.hue === hue).length;
      expect(share).toBeGreaterThan(120);
      expect(share).toBeLessThan(290);
    }
    expect(looks.filter((look) => look.deep).length).toBeGreaterThan(2_200);
    expect(looks.filter((look) => look.deep).length).toBeLessThan(2_600);
    for (const shape of lanternShapes)
      expect(looks.filter((look) => look.shape === shape).length).toBeGreaterThan(450);
  });

  it.each(['light', 'dark'] as const)(
    'stands out from the %s page at every hue (3:1, WCAG 1.4.11)',
    (theme) => {
      const { lightness, deep, chroma } = lanternTones[theme];
      const block = tokens.slice(tokens.indexOf(`data-theme="${theme}"`));
      expect(block).toContain(`--lantern-l: ${lightness};`);
      expect(block).toContain(`--lantern-deep: ${deep};`);
      expect(block).toContain(`--lantern-c: ${chroma};`);
      for (const name of ['paper', 'paper-raised', 'paper-sunk']) {
        const background = hexToLinear(new RegExp(`--${name}: (#[0-9a-f]{6})`).exec(block)?.[1] ?? '');
        for (const hue of lanternHues)
          for (const tone of [lightness, deep])
            expect(
              contrast(oklchToLinear(tone, chroma, hue), background),
              `${name} ${hue} ${tone}`,
            ).toBeGreaterThan(3);
      }
    },
  );
});

describe('text colours', () => {
  it.each(['light', 'dark'])('read well on every surface of the %s theme (4.5:1)', (theme) => {
    const block = tokens.slice(tokens.indexOf(`data-theme="${theme}"`));
    const token = (name: string) =>
      hexToLinear(new RegExp(`--${name}: (#[0-9a-f]{6})`).exec(block)?.[1] ?? '');
    for (const surface of ['paper', 'paper-raised', 'paper-sunk'])
      for (const ink of ['ink', 'ink-2', 'ink-3', 'accent', 'good', 'warn', 'bad'])
        expect(contrast(token(ink), token(surface)), `${ink} on ${surface}`).toBeGreaterThan(4.5);
    for (const state of ['good', 'warn', 'bad'])
      expect(contrast(token(state), token(`${state}-wash`)), state).toBeGreaterThan(4.5);
    expect(contrast(token('on-accent'), token('accent-fill'))).toBeGreaterThan(4.5);
  });
});

describe('initials', () => {
  it.each([
    ["Anna's laptop", 'AL'],
    ['Kestrel', 'KE'],
    ['blue-heron', 'BH'],
    ['  ', '?'],
    ['★ ☆', '?'],
    ['élan', 'ÉL'],
    ['𝒜lpha beta', '𝒜B'],
  ])('%j → %j', (name, initials) => expect(initialsOf(name)).toBe(initials));
});

type Linear = readonly [number, number, number];

const hexToLinear = (hex: string): Linear => {
  const channel = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
};

// https://bottosson.github.io/posts/oklab/
const oklchToLinear = (lightness: number, chroma: number, hue: number): Linear => {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const clamp = (value: number) => Math.min(1, Math.max(0, value));
  return [
    clamp(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    clamp(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    clamp(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
};

const luminance = ([r, g, b]: Linear) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
const contrast = (x: Linear, y: Linear) => {
  const [dark, light] = [luminance(x), luminance(y)].sort((a, b) => a - b) as [number, number];
  return (light + 0.05) / (dark + 0.05);
};
