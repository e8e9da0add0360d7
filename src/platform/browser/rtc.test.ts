import { describe, expect, it } from 'vitest';
import { toMaxFrameBytes } from './rtc.ts';

describe('the longest frame', () => {
  it.each([
    ['what both browsers agreed on', 65_536, 65_536],
    ['never more than 256 KiB, though Firefox says up to 1 GiB', 1_073_741_823, 262_144],
    ['256 KiB where there is no limit', Number.POSITIVE_INFINITY, 262_144],
    ['16 KiB where the browser does not tell', undefined, 16_384],
    ['not less than 1 KiB, whatever a stranger announces', 3, 1_024],
  ])('is %s', (_name, announced, expected) => {
    expect(toMaxFrameBytes(announced)).toBe(expected);
  });
});
