import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../core/brand.ts';
import { type CheckEvent, type CheckMachine, type CheckRules, newCheck, stepCheck } from './machine.ts';
import type { CheckState } from './types.ts';

const rules: CheckRules = {
  worsensAfter: 2,
  recoversAfter: 2,
  actions: 2,
  verifyWithinMs: 30_000,
  coolDownMs: 20_000,
};
const reading = (state: CheckState): CheckEvent => ({ t: 'reading', reading: { state, message: state } });

/** Plays events five seconds apart and tells what was done. */
const play = (
  events: readonly CheckEvent[],
  change: Partial<CheckRules> = {},
  from = newCheck(milliseconds(0)),
) => {
  let check: CheckMachine = from;
  const done: string[] = [];
  const shown: CheckState[] = [];
  events.forEach((event, index) => {
    const [next, effects] = stepCheck(check, event, { ...rules, ...change }, milliseconds(index * 5_000));
    check = next;
    shown.push(next.shown);
    for (const effect of effects) done.push(effect.t === 'act' ? `act ${effect.action}` : 'ended');
  });
  return { check, done, shown };
};

describe('a health check over time', () => {
  it('shows what is well at once, and what is bad at the second time', () => {
    expect(
      play([reading('ok'), reading('bad'), reading('ok'), reading('bad'), reading('bad')]).shown,
    ).toEqual(['ok', 'ok', 'ok', 'ok', 'bad']);
  });

  it('does not flap between two states that take turns', () => {
    const turns = Array.from({ length: 20 }, (_, index) => reading(index % 2 === 0 ? 'ok' : 'bad'));
    expect(new Set(play(turns).shown)).toEqual(new Set(['ok']));
  });

  it('mends what is bad, and calls the incident over when it is well again', () => {
    const { done, check } = play([
      reading('ok'),
      reading('bad'),
      reading('bad'),
      { t: 'acted', ok: true },
      reading('ok'),
      reading('ok'),
    ]);
    expect(done).toEqual(['act 0', 'ended']);
    expect(check).toMatchObject({
      shown: 'ok',
      recovery: { phase: 'none' },
      incident: undefined,
      attempts: 0,
    });
  });

  it('waits for the readings after an action before it does another, and then tries the next one', () => {
    const bad = Array.from({ length: 14 }, () => reading('bad'));
    const { done } = play([reading('bad'), reading('bad'), { t: 'acted', ok: true }, ...bad]);
    // 30 s to see whether it helped, 20 s of pause.
    expect(done).toEqual(['act 0', 'act 1']);
  });

  it('gives up for a while after three actions that did not help', () => {
    const events: CheckEvent[] = [reading('bad'), reading('bad')];
    for (let round = 0; round < 30; round++)
      events.push({ t: 'acted', ok: false }, ...Array(6).fill(reading('bad')));
    const { done, check } = play(events.slice(0, 120));
    expect(done.filter((effect) => effect.startsWith('act'))).toHaveLength(3);
    expect(check.breaker.phase).toBe('open');
  });

  it('tries again when a person asks, whatever its breaker says', () => {
    const events: CheckEvent[] = [reading('bad'), reading('bad')];
    for (let round = 0; round < 4; round++)
      events.push({ t: 'acted', ok: false }, ...Array(6).fill(reading('bad')));
    expect(play([...events, { t: 'asked' }]).done).toHaveLength(4);
  });

  it('does nothing about what a broken dependency hides', () => {
    expect(
      play([reading('ok'), reading('bad'), { t: 'hidden' }, { t: 'hidden' }, reading('bad')]).done,
    ).toEqual([]);
  });

  it('keeps an incident open while nobody can say how it is', () => {
    const { done, check } = play([
      reading('bad'),
      reading('bad'),
      { t: 'acted', ok: true },
      reading('unknown'),
      reading('unknown'),
      reading('unknown'),
      reading('ok'),
    ]);
    expect(done).toEqual(['act 0', 'ended']);
    expect(check.shown).toBe('ok');
  });

  it('does not count one bad reading as an incident', () => {
    expect(play([reading('bad'), reading('ok'), reading('ok')]).done).toEqual([]);
  });

  it('only watches where nothing is known that would mend it', () => {
    expect(play([reading('bad'), reading('bad'), reading('bad')], { actions: 0 }).done).toEqual([]);
  });
});
