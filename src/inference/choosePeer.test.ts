import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { milliseconds } from '../core/brand.ts';
import {
  type Candidate,
  choosePeer,
  expectedFinish,
  type RoutingContext,
  type TaskShape,
} from './choosePeer.ts';
import { inferenceLimits } from './schemas.ts';
import { candidate, modelHash } from './testDoubles.ts';

const task: TaskShape = { kind: 'ocr.recognize', pixels: 100_000, bytes: 50_000 };
const context: RoutingContext = { avoid: [], alone: false, model: modelHash('ours') };
const speed = (megapixels: number) => ({ speeds: { 'ocr.recognize': megapixels } });
const choose = (candidates: readonly Candidate[], more: Partial<RoutingContext> = {}) =>
  choosePeer(task, candidates, { ...context, ...more });
const nameOf = (routing: ReturnType<typeof choosePeer>) =>
  routing.choice === 'nobody' ? routing.reason : `${routing.choice} ${routing.candidate.name}`;

describe('who gets a task', () => {
  it('the fastest, when all are idle', () => {
    expect(nameOf(choose([candidate('slow', speed(0.1)), candidate('fast', speed(1))]))).toBe('peer fast');
  });

  it('a near one before a far one of the same speed', () => {
    const far = candidate('far', { ...speed(1), rtt: milliseconds(800) });
    expect(nameOf(choose([far, candidate('near', speed(1))]))).toBe('peer near');
  });

  it('not the one behind a thin line, if the bytes are many', () => {
    const thin = candidate('thin', { ...speed(1), bytesPerMs: 10 });
    expect(nameOf(choose([thin, candidate('wide', { ...speed(0.5), bytesPerMs: 2_000 })]))).toBe('peer wide');
  });

  it('an idle one before a busy one that would finish later', () => {
    const busy = candidate('busy', { ...speed(1), outstanding: 1, queued: 8 });
    expect(nameOf(choose([busy, candidate('idle', speed(0.5))]))).toBe('peer idle');
  });

  it('the one that the job prefers, unless it would take that much longer', () => {
    const preferred = candidate('preferred', speed(0.4));
    const other = (weight: number) => candidate('other', { ...speed(1), weight });
    expect(nameOf(choose([preferred, other(1)]))).toBe('peer other');
    expect(nameOf(choose([preferred, other(0.2)]))).toBe('peer preferred');
    const behind = { ...preferred, outstanding: 1, queued: 20 };
    expect(nameOf(choose([behind, other(0.2)]))).toBe('peer other');
  });

  it('who is only asked last, if nobody else can; of two the sooner', () => {
    const last = { weight: 0 };
    const [slow, fast] = [
      candidate('slow', { ...speed(0.5), ...last }),
      candidate('fast', { ...speed(1), ...last }),
    ];
    const chosen = candidate('chosen', speed(0.01));
    expect(nameOf(choose([slow, fast, chosen]))).toBe('peer chosen');
    expect(nameOf(choose([slow, fast, { ...chosen, outstanding: 2 }]))).toBe('busy chosen');
    expect(nameOf(choose([slow, fast, { ...chosen, closed: 'gone' }]))).toBe('peer fast');
    expect(nameOf(choose([slow, fast, { ...chosen, outstanding: 2 }], { idleOnly: true }))).toBe('peer fast');
  });

  it('nobody yet, if waiting for the fast one ends sooner than starting on the slow one', () => {
    const full = candidate('fast', { ...speed(1), outstanding: 2 });
    expect(nameOf(choose([full, candidate('slow', speed(0.01))]))).toBe('busy fast');
  });

  it('the slow one, once the fast one is reserved for long enough', () => {
    const reserved = candidate('fast', { ...speed(1), outstanding: 150 });
    expect(nameOf(choose([reserved, candidate('slow', speed(0.01))]))).toBe('peer slow');
  });

  it('one that has not failed, before an equal one that has', () => {
    const shaky = candidate('shaky', { ...speed(1), failures: 2 });
    expect(nameOf(choose([shaky, candidate('steady', speed(0.6))]))).toBe('peer steady');
  });

  it('holds at most one task more than it has slots', () => {
    const one = (outstanding: number) =>
      nameOf(choose([candidate('ben', { ...speed(1), slots: 2, outstanding })]));
    expect([0, 2, 3].map(one)).toEqual(['peer ben', 'peer ben', 'busy ben']);
  });

  it('this device holds no more than its slots', () => {
    const own = candidate('own', { ...speed(1), self: true, slots: 2, outstanding: 2 });
    expect(nameOf(choose([own]))).toBe('busy own');
  });

  it('nobody waits behind a task that does not end', () => {
    const stuck = candidate('stuck', { ...speed(9), outstanding: 2, overdue: 1 });
    expect(nameOf(choose([stuck, candidate('slow', speed(0.01))]))).toBe('peer slow');
  });

  it('a node on trial gets one task', () => {
    expect(nameOf(choose([candidate('back', { trial: true, slots: 4 })]))).toBe('peer back');
    expect(nameOf(choose([candidate('back', { trial: true, slots: 4, outstanding: 1 })]))).toBe('busy back');
  });

  it('a hedge starts at once or not at all', () => {
    const full = candidate('full', { slots: 1, outstanding: 1 });
    expect(nameOf(choose([full], { idleOnly: true }))).toBe('busy full');
    expect(nameOf(choose([full]))).toBe('peer full');
  });
});

describe('who may not get a task', () => {
  it.each([
    ['closed', candidate('x', { closed: 'paused' })],
    ['no slots', candidate('x', { slots: 0 })],
    ['another model', candidate('x', { models: { 'ocr.recognize': modelHash('theirs') } })],
  ])('%s', (_, only) => {
    expect(choose([only]).choice).toBe('nobody');
  });

  it('others, where the image must stay here', () => {
    const own = candidate('own', { ...speed(0.001), self: true });
    expect(nameOf(choose([candidate('fast', speed(9)), own], { alone: true }))).toBe('peer own');
  });

  it('others, where the input is larger than they accept', () => {
    const big = { ...task, bytes: inferenceLimits.maxInputBytes + 1 };
    const own = candidate('own', { ...speed(0.001), self: true });
    expect(nameOf(choosePeer(big, [candidate('fast', speed(9)), own], context))).toBe('peer own');
  });

  it('those to avoid, and then it says why nobody is left', () => {
    const ben = candidate('ben');
    expect(nameOf(choose([ben], { avoid: [ben.peer] }))).toContain('failed at it');
    expect(nameOf(choose([]))).toBe('nobody else is here');
    const paused = candidate('own', { self: true, closed: 'this device is paused' });
    expect(nameOf(choose([paused]))).toBe('nobody else is here, and this device is paused');
  });
});

describe('expected finish', () => {
  it('is work over speed, plus the way there', () => {
    const ben = candidate('ben', { ...speed(0.5), rtt: milliseconds(40), bytesPerMs: 1_000 });
    expect(expectedFinish(task, ben)).toBeCloseTo(40 + 50 + 200);
  });

  it('never falls with more work ahead', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.integer({ min: 1, max: 8 }), fc.nat(20), (outstanding, slots, queued) => {
        const now = candidate('x', { outstanding, slots, queued });
        const later = { ...now, outstanding: outstanding + 1 };
        expect(expectedFinish(task, later)).toBeGreaterThanOrEqual(expectedFinish(task, now));
      }),
    );
  });

  it('chosen is never later than any other idle choice of a spotless node', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.001, max: 10, noNaN: true }), { minLength: 1, maxLength: 8 }),
        (speeds) => {
          const candidates = speeds.map((s, index) => candidate(`n${index}`, speed(s)));
          const routed = choose(candidates);
          if (routed.choice !== 'peer') throw new Error('expected a peer');
          const best = Math.min(...candidates.map((c) => expectedFinish(task, c)));
          expect(routed.expectedMs).toBe(best);
        },
      ),
    );
  });
});
