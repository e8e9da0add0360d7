import { describe, expect, it } from 'vitest';
import { fixturePeer } from '../../testDoubles.ts';
import { acceptsInWords, badgeOf, runsInWords, speedInWords, workInWords } from './peerWords.ts';

describe('a peer in words', () => {
  it('says why it takes no work, its own reason before ours', () => {
    expect(acceptsInWords(fixturePeer(0))).toBe('yes');
    expect(acceptsInWords(fixturePeer(3, { breaker: 'open' }))).toBe('no: on battery');
    expect(acceptsInWords(fixturePeer(0, { breaker: 'open' }))).toBe('left alone after failures');
  });

  it('calls another tab of this device that, before it calls it yours', () => {
    expect(badgeOf(fixturePeer(1))).toBe('yours');
    expect(badgeOf(fixturePeer(1, { sameDevice: true }))).toBe('same device');
    expect(badgeOf(fixturePeer(0))).toBeUndefined();
  });

  it('never invents a runtime or a speed', () => {
    expect(runsInWords(fixturePeer(2))).toBe('not chosen yet');
    expect(speedInWords(fixturePeer(2))).toBe('not measured');
    expect(runsInWords(fixturePeer(1))).toBe('WebGPU, 3 slots');
    // one worker at 0.5 MP/s
    expect(speedInWords(fixturePeer(1))).toBe('0.5 MP/s');
    // three workers at 0.4 MP/s
    expect(speedInWords(fixturePeer(0))).toBe('1.2 MP/s');
  });

  it('tells both directions of work', () => {
    expect(workInWords(fixturePeer(0))).toBe('resting');
    expect(workInWords(fixturePeer(0, { workingForUs: 1, workingForIt: 2 }))).toBe(
      '1 task for you, 2 of its here',
    );
  });
});
