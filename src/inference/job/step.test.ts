import { describe, expect, it } from 'vitest';
import { type JobId, milliseconds } from '../../core/brand.ts';
import { coordinatorDefaults } from '../coordinator.ts';
import type { Quad } from '../ocr/types.ts';
import { candidate, idOf, modelHash } from '../testDoubles.ts';
import { openJob } from './open.ts';
import type { Answer, AnswerValue, Attempt, JobEffect, JobEvent, JobMachine, World } from './state.ts';
import { step } from './step.ts';

const own = candidate('own', { self: true });
const ben = candidate('ben', { slots: 2, speeds: { 'ocr.detect': 9, 'ocr.recognize': 9 } });
const cem = candidate('cem', { slots: 2 });

const open = (candidates = [{ ...own, slots: 0 }, ben], draw = 0.99) => {
  let job: JobMachine = openJob({
    id: idOf<JobId>('job'),
    audience: 'room',
    names: ['page'],
    createdAt: 0,
    now: milliseconds(0),
  });
  const world: World = {
    now: milliseconds(0),
    wall: 0,
    self: own.peer,
    selfAccount: own.account,
    candidates,
    models: { 'ocr.detect': modelHash('d'), 'ocr.recognize': modelHash('r') },
    verifiedCount: () => 1,
    nameOf: (peer) => [own, ben, cem].find((node) => node.peer === peer)?.name ?? 'somebody',
    draw: () => draw,
    options: coordinatorDefaults,
  };
  const send = (event: JobEvent, changes: Partial<World> = {}): readonly JobEffect[] => {
    const [after, effects] = step(job, event, { ...world, ...changes });
    job = after;
    return effects;
  };
  return { send, get: () => job };
};
const kinds = (effects: readonly JobEffect[]) => effects.map(({ kind }) => kind);
const started = (effects: readonly JobEffect[]): Attempt => {
  const start = effects.find((effect) => effect.kind === 'start');
  if (start?.kind !== 'start') throw new Error(`nothing started: ${kinds(effects).join(' ')}`);
  return start.attempt;
};
const pageOpened: JobEvent = {
  kind: 'page-opened',
  page: 0,
  width: 640,
  height: 640,
  inputWidth: 320,
  inputHeight: 320,
  bytes: 1_000,
  frames: 1,
};
const quad: Quad = [10, 10, 200, 10, 200, 30, 10, 30];
const found: AnswerValue = { kind: 'ocr.detect', output: { boxes: [{ quad, score: 0.9 }] } };
const read: AnswerValue = { kind: 'ocr.recognize', lines: [{ text: 'hello', confidence: 0.9 }] };
const answerOf = (node: typeof ben, value: AnswerValue): Answer => ({
  author: { peer: node.peer, account: node.account, name: node.name, runtime: 'wasm', milliCredits: 1 },
  value,
  claim: undefined,
});
const cropped = (generation: number): JobEvent => ({
  kind: 'page-cropped',
  page: 0,
  generation,
  lines: [{ index: 0, width: 320, pixels: 15_360, bytes: 100 }],
});

describe('a job', () => {
  it('goes from page to boxes to lines to its end', () => {
    const { send, get } = open();
    expect(kinds(send({ kind: 'nudge' }))).toEqual(['open-page']);
    const detect = started(send(pageOpened));
    const afterBoxes = send({ kind: 'answered', attempt: detect.id, answer: answerOf(ben, found) });
    expect(kinds(afterBoxes)).toEqual(['count', 'store', 'crop']);
    expect(get().pages[0]?.quads).toEqual([[20, 20, 400, 20, 400, 60, 20, 60]]);
    const line = started(send(cropped(0)));
    const last = send(
      { kind: 'answered', attempt: line.id, answer: answerOf(ben, read) },
      { now: milliseconds(70) },
    );
    expect(kinds(last)).toEqual(['count', 'store', 'release', 'ended']);
    expect(get().phase).toEqual({ phase: 'done', wallMs: 70 });
  });

  it('does not change the job it was given', () => {
    const { send, get } = open();
    send({ kind: 'nudge' });
    const before = get();
    const copy = structuredClone(before);
    started(send(pageOpened));
    expect(before).toEqual(copy);
  });

  it('is over when it is over', () => {
    const { send, get } = open();
    send({ kind: 'cancel' });
    const over = get();
    expect(send({ kind: 'cancel' })).toEqual([]);
    expect(send(pageOpened)).toEqual([]);
    expect(get()).toBe(over);
  });

  it('ignores lines that were cut by boxes that no longer stand', () => {
    const { send, get } = open();
    send({ kind: 'nudge' });
    const detect = started(send(pageOpened));
    send({ kind: 'answered', attempt: detect.id, answer: answerOf(ben, found) });
    const again = started(send({ kind: 'distrusted', node: ben.peer }));
    send({ kind: 'answered', attempt: again.id, answer: answerOf(ben, found) });
    expect(kinds(send(cropped(0)))).not.toContain('start');
    expect(get().pages[0]?.reads).toEqual([]);
    expect(started(send(cropped(1))).purpose).toBe('answer');
  });

  it('stops every attempt when it is cancelled, and says so to whoever counts them', () => {
    const { send } = open();
    send({ kind: 'nudge' });
    const detect = started(send(pageOpened));
    expect(send({ kind: 'cancel' })).toContainEqual({ kind: 'stop', attempt: detect });
  });

  it('takes everything from a silent node at once', () => {
    const { send, get } = open([{ ...own, slots: 0 }, ben, cem]);
    send({ kind: 'nudge' });
    const detect = started(send(pageOpened));
    const effects = send({ kind: 'silent', node: detect.node, reason: 'nothing was heard' });
    expect(effects).toContainEqual({ kind: 'stop', attempt: detect });
    expect(started(effects).node).not.toBe(detect.node);
    expect(get().attempts.size).toBe(1);
  });

  it('settles a hardly readable line by the surer reading, and blames nobody', () => {
    const { send, get } = open([{ ...own, slots: 0 }, ben, cem], 0.01);
    send({ kind: 'nudge' });
    const detect = started(send(pageOpened));
    const check = started(send({ kind: 'answered', attempt: detect.id, answer: answerOf(ben, found) }));
    send({ kind: 'answered', attempt: check.id, answer: answerOf(cem, found) });
    const line = started(send(cropped(0)));
    const author = [ben, cem].find(({ peer }) => peer === line.node) ?? ben;
    const doubt = (text: string, confidence: number): AnswerValue => ({
      kind: 'ocr.recognize',
      lines: [{ text, confidence }],
    });
    const opinion = started(
      send({ kind: 'answered', attempt: line.id, answer: answerOf(author, doubt('smudge', 0.3)) }),
    );
    const other = [ben, cem].find(({ peer }) => peer === opinion.node) ?? cem;
    const effects = send({
      kind: 'answered',
      attempt: opinion.id,
      answer: answerOf(other, doubt('smvdge', 0.5)),
    });
    expect(kinds(effects)).not.toContain('blame');
    const texts = [...get().tasks.values()].flatMap(({ status }) =>
      status.phase === 'answered' && status.answer.value.kind === 'ocr.recognize'
        ? status.answer.value.lines.map(({ text }) => text)
        : [],
    );
    expect(texts).toEqual(['smvdge']);
  });

  it('is checked by another account, even if the author has a faster second tab', () => {
    const fast = { speeds: { 'ocr.detect': 99 } };
    const second = candidate('ben again', { ...fast, account: ben.account });
    const { send } = open([{ ...own, slots: 0 }, { ...ben, ...fast }, second, cem], 0.01);
    send({ kind: 'nudge' });
    const detect = started(send(pageOpened));
    expect([ben.peer, second.peer]).toContain(detect.node);
    const author = detect.node === ben.peer ? ben : second;
    const check = started(send({ kind: 'answered', attempt: detect.id, answer: answerOf(author, found) }));
    expect(check).toMatchObject({ purpose: 'opinion', node: cem.peer });
  });

  it('goes without a check rather than ask the author’s own account', () => {
    const second = candidate('ben again', { account: ben.account });
    const { send } = open([{ ...own, slots: 0 }, ben, second], 0.01);
    send({ kind: 'nudge' });
    const detect = started(send(pageOpened));
    const effects = send({ kind: 'answered', attempt: detect.id, answer: answerOf(ben, found) });
    expect(kinds(effects)).not.toContain('start');
  });

  it('fails a page at which everybody failed too often, and ends', () => {
    const { send, get } = open([own], 0.99);
    send({ kind: 'nudge' });
    let now = 0;
    let attempt: Attempt | undefined = started(send(pageOpened));
    while (attempt) {
      send(
        { kind: 'failed', attempt: attempt.id, reason: 'the model is broken', ran: true },
        { now: milliseconds(now) },
      );
      now += 30_000;
      const effects = send({ kind: 'nudge' }, { now: milliseconds(now) });
      attempt = effects.some(({ kind }) => kind === 'start') ? started(effects) : undefined;
    }
    expect(get().phase).toMatchObject({
      phase: 'failed',
      reason: expect.stringContaining('the model is broken'),
    });
  });
});
