import type { PeerId } from '../../core/brand.ts';
import type { StoredResult } from '../jobStore.ts';
import { type Comparison, compareAnswers } from './compare.ts';
import { afterDetection, dropReads, labelOf } from './pages.ts';
import {
  type Answer,
  type AnswerValue,
  type Attempt,
  blameFor,
  type Draft,
  needsOpinion,
  paidKey,
  say,
  setTask,
  stopAttempt,
  stopAttempts,
  type Task,
  type Verdict,
} from './state.ts';

type Answered = Extract<Task['status'], { phase: 'answered' }>;

/** A valid answer arrived. The first one stands; one that was asked as an opinion judges the one that stands. */
export const takeAnswer = (draft: Draft, id: Attempt['id'], answer: Answer): void => {
  const attempt = draft.attempts.get(id);
  const task = attempt && draft.tasks.get(attempt.task);
  if (!task) return;
  draft.attempts.delete(id);
  draft.job.waits = 0;
  stopAttempts(draft, task.id);
  if (task.status.phase === 'open') accept(draft, task, answer);
  else if (attempt.purpose === 'opinion') takeOpinion(draft, task, task.status, answer);
};

const accept = (draft: Draft, task: Task, answer: Answer): void => {
  const { world } = draft;
  const { peer, account } = answer.author;
  const known = world.verifiedCount(peer) > 0 || account === world.selfAccount;
  const share = known ? world.options.checkShare : world.options.newcomerCheckShare;
  const sampled = peer !== world.self && world.draw() < share;
  const verdict: Verdict = sampled ? { phase: 'wanted' } : { phase: 'unchecked', skipped: false };
  draft.effects.push({ kind: 'count', what: 'accepted' });
  stand(draft, task, answer, verdict);
  if (task.kind === 'ocr.detect') afterDetection(draft, task.page, answer.value);
};

/** The answer that stands from now on; stored as it changes, so that a reload finds what the person saw. */
const stand = (draft: Draft, task: Task, answer: Answer, verdict: Verdict): void => {
  const next = setTask(draft, task, { status: { phase: 'answered', answer, verdict } });
  const result = toStoredResult(draft, next);
  if (result) draft.effects.push({ kind: 'store', result });
};

const takeOpinion = (draft: Draft, task: Task, { answer, verdict }: Answered, opinion: Answer): void => {
  draft.effects.push({ kind: 'count', what: 'checked' });
  if (verdict.phase === 'disputed') settleDispute(draft, task, answer, verdict.second, opinion);
  else if (verdict.phase === 'wanted') compareWithSecond(draft, task, answer, opinion);
};

const compareWithSecond = (draft: Draft, task: Task, first: Answer, second: Answer): void => {
  const comparison = compareAnswers(first.value, second.value);
  if (comparison.result === 'same') {
    agree(draft, task, first, second);
  } else if (second.author.peer === draft.world.self) {
    payOrReject(draft, task, first, comparison);
    replace(draft, task, second, undefined);
  } else if (comparison.result === 'unsure') {
    settleUnsure(draft, task, first, second, comparison);
  } else {
    say(draft, `${first.author.name} and ${second.author.name} disagree about ${labelOf(task, draft)}`);
    setTask(draft, task, {
      status: { phase: 'answered', answer: first, verdict: { phase: 'disputed', second } },
      avoid: [],
    });
  }
};

/** Three opinions: this device's own is the truth, else two of three are. */
const settleDispute = (draft: Draft, task: Task, first: Answer, second: Answer, third: Answer): void => {
  const firstHolds = compareAnswers(first.value, third.value);
  const secondHolds = compareAnswers(second.value, third.value);
  if (firstHolds.result === 'same') {
    reject(draft, task, second);
    agree(draft, task, first, third);
  } else if (secondHolds.result === 'same') {
    reject(draft, task, first);
    replace(draft, task, second, third);
  } else if (third.author.peer === draft.world.self) {
    payOrReject(draft, task, first, firstHolds);
    payOrReject(draft, task, second, secondHolds);
    replace(draft, task, third, undefined);
  } else {
    settleWithoutProof(draft, task, [first, second, third]);
  }
};

/** Against this device's own answer: hardly readable lines are nobody's fault, everything else is. */
const payOrReject = (draft: Draft, task: Task, answer: Answer, { result }: Comparison): void => {
  if (result === 'different') reject(draft, task, answer);
  else settleClaims(draft, [answer]);
};

/** Nobody is left who could decide. A node that was proven right before is believed, else the surer answer; no blame. */
export const settleWithoutProof = (draft: Draft, task: Task, answers: readonly Answer[]): void => {
  const [first] = answers;
  if (!first) return;
  const weight = ({ author, value }: Answer): number =>
    Math.min(draft.world.verifiedCount(author.peer), 1) + meanConfidence(value);
  const best = answers.reduce((kept, next) => (weight(next) > weight(kept) ? next : kept), first);
  say(draft, `nobody could decide about ${labelOf(task, draft)}: kept the answer of ${best.author.name}`);
  const verdict: Verdict = { phase: 'unchecked', skipped: true };
  if (best === first) setTask(draft, task, { status: { phase: 'answered', answer: best, verdict } });
  else standInstead(draft, task, best, verdict);
};

const settleUnsure = (
  draft: Draft,
  task: Task,
  first: Answer,
  second: Answer,
  { merged }: Extract<Comparison, { result: 'unsure' }>,
): void => {
  say(draft, `${labelOf(task, draft)} is hard to read: kept the surer of two readings`);
  settleClaims(draft, [first, second]);
  const answer = { ...first, value: merged, claim: undefined };
  standInstead(draft, task, answer, { phase: 'settled', by: second.author.peer });
};

const agree = (draft: Draft, task: Task, answer: Answer, witness: Answer): void => {
  draft.effects.push({ kind: 'vouch', a: answer.author.peer, b: witness.author.peer });
  settleClaims(draft, [answer, witness]);
  stand(draft, task, { ...answer, claim: undefined }, { phase: 'settled', by: witness.author.peer });
};

/** Another answer takes the place of a wrong one. */
const replace = (draft: Draft, task: Task, answer: Answer, witness: Answer | undefined): void => {
  if (witness) draft.effects.push({ kind: 'vouch', a: answer.author.peer, b: witness.author.peer });
  settleClaims(draft, witness ? [answer, witness] : [answer]);
  standInstead(draft, task, { ...answer, claim: undefined }, { phase: 'settled', by: witness?.author.peer });
};

/** Lines found in boxes that no longer stand are gone with them. */
const standInstead = (draft: Draft, task: Task, answer: Answer, verdict: Verdict): void => {
  if (task.kind === 'ocr.detect') owe(draft, dropReads(draft, task.page));
  stand(draft, task, answer, verdict);
  if (task.kind === 'ocr.detect') afterDetection(draft, task.page, answer.value);
};

const reject = (draft: Draft, task: Task, wrong: Answer): void => {
  const { peer, name } = wrong.author;
  say(draft, `${name} was wrong about ${labelOf(task, draft)}: its other answers are done again elsewhere`);
  blameFor(draft, peer, 'wrong');
  draft.effects.push({ kind: 'blame', node: peer, task: task.id });
};

/**
 * Everything of a proven liar that nobody else confirmed goes: its answers are done again, its claims are never
 * signed, and what it confirmed for others counts as unconfirmed.
 */
export const distrust = (draft: Draft, node: PeerId): void => {
  for (const attempt of [...draft.attempts.values()]) {
    if (attempt.node === node) stopAttempt(draft, attempt);
  }
  for (const id of [...draft.tasks.keys()]) {
    const task = draft.tasks.get(id);
    if (task?.status.phase === 'answered') distrustAnswer(draft, task, task.status, node);
  }
};

const distrustAnswer = (draft: Draft, task: Task, { answer, verdict }: Answered, node: PeerId): void => {
  const own = answer.author.peer === node;
  if (own && verdict.phase === 'disputed' && verdict.second.author.peer !== node) {
    // The other opinion stands, and is itself looked at again.
    standInstead(draft, task, verdict.second, { phase: 'wanted' });
  } else if (own && verdict.phase !== 'settled') {
    reopen(draft, task);
  } else if (verdict.phase === 'disputed' && verdict.second.author.peer === node) {
    setTask(draft, task, { status: { phase: 'answered', answer, verdict: { phase: 'wanted' } } });
  } else if (verdict.phase === 'settled' && verdict.by === node && answer.author.peer !== draft.world.self) {
    setTask(draft, task, { status: { phase: 'answered', answer, verdict: { phase: 'wanted' } } });
  }
};

export const reopen = (draft: Draft, task: Task): void => {
  stopAttempts(draft, task.id);
  if (task.kind === 'ocr.detect') owe(draft, dropReads(draft, task.page));
  setTask(draft, task, { status: { phase: 'open' } });
  draft.effects.push({ kind: 'forget', task: task.id });
};

const owe = (draft: Draft, dropped: readonly Task[]): void => {
  draft.job.owed = [...draft.job.owed, ...dropped.flatMap(undisputedAnswer)];
};
const undisputedAnswer = ({ status }: Task): readonly Answer[] =>
  status.phase === 'answered' && status.verdict.phase !== 'disputed' ? [status.answer] : [];

export const settleClaims = (draft: Draft, answers: readonly Answer[]): void => {
  const paid = new Set(draft.job.paid);
  const claims = answers.flatMap(({ claim, author }) => {
    if (!claim || paid.has(paidKey(claim.body.unit, author.account))) return [];
    paid.add(paidKey(claim.body.unit, author.account));
    return [claim];
  });
  if (claims.length === 0) return;
  draft.job.paid = paid;
  draft.effects.push({ kind: 'settle', claims });
};

/** What is still owed when the job ends. A disputed answer that nobody settled is not, nor is a proven liar's. */
export const unsettledAnswers = ({ job, tasks, losses }: Draft): readonly Answer[] => [
  ...[...tasks.values()].flatMap(undisputedAnswer),
  ...job.owed.filter(({ author }) => (losses.get(author.peer)?.wrong ?? 0) === 0),
];

const toStoredResult = (draft: Draft, task: Task): StoredResult | undefined => {
  if (task.status.phase !== 'answered') return undefined;
  const { answer, verdict } = task.status;
  const page = draft.job.pages[task.page];
  const common = {
    v: 1 as const,
    task: task.id,
    page: task.page,
    by: answer.author,
    checkedBy: verdict.phase === 'settled' ? verdict.by : undefined,
    checkWanted: needsOpinion(task),
    claim: answer.claim,
  };
  if (answer.value.kind === 'ocr.recognize') {
    const lines = answer.value.lines.map(({ text, confidence }, at) => ({
      index: task.lines[at] ?? 0,
      text,
      confidence,
    }));
    return { ...common, kind: 'ocr.recognize', lines };
  }
  if (!page?.size) return undefined;
  return { ...common, kind: 'ocr.detect', ...page.size, boxes: answer.value.output.boxes };
};

const meanConfidence = (value: AnswerValue): number => {
  const scores =
    value.kind === 'ocr.detect'
      ? value.output.boxes.map(({ score }) => score)
      : value.lines.map(({ confidence }) => confidence);
  return scores.length === 0 ? 0 : scores.reduce((sum, score) => sum + score, 0) / scores.length / 2;
};
