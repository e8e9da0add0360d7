import { describe, expect, it } from 'vitest';
import type { JobView } from '../../../app/readModels.ts';
import type { Milliseconds } from '../../../core/brand.ts';
import { fixtureJobs, fixturePeer } from '../../testDoubles.ts';
import {
  isActive,
  jobInWords,
  jobTitle,
  pageInWords,
  progressInWords,
  progressMilestone,
  readersOf,
  readersOnPage,
  splitImages,
  sureness,
} from './jobWords.ts';

const { streaming, done, waiting, failedPage, cancelled } = fixtureJobs;

describe('a job in words', () => {
  it('is named after its first page', () => {
    expect(jobTitle(streaming)).toBe('letter.png and 2 more');
    expect(jobTitle(done)).toBe('minutes of the meeting.png');
    expect(jobTitle({ ...done, pages: [] })).toBe('Empty job');
  });

  it('tells its phase', () => {
    expect(jobInWords(streaming)).toBe('Reading: 13 of 22 tasks, 35 lines so far');
    expect(jobInWords(done)).toBe('24 lines read in 3.24 s');
    expect(jobInWords(failedPage)).toBe('8 lines read in 1.87 s; 1 page could not be read');
    expect(jobInWords(waiting)).toBe('Waiting: no device in the room accepts work');
    expect(jobInWords(cancelled)).toBe('Cancelled; 7 lines kept');
    expect(jobInWords({ ...done, state: { phase: 'failed', reason: 'storage is full' } })).toBe(
      'Failed: storage is full',
    );
  });

  it('under the bar, tells what was reached when it waits', () => {
    expect(progressInWords(waiting)).toBe('6 of 14 tasks done, 9 lines so far');
    expect(progressInWords(streaming)).toBe(jobInWords(streaming));
  });

  it('is active until it is done, cancelled or failed', () => {
    expect([streaming, waiting, done, cancelled].map(isActive)).toEqual([true, true, false, false]);
  });

  it('is announced at quarters only', () => {
    const at = (tasksDone: number): JobView => ({ ...streaming, tasksDone, tasksTotal: 8 });
    expect([0, 1, 2, 3, 4, 7].map((tasks) => progressMilestone(at(tasks)))).toEqual([
      'Reading, 0 % done',
      'Reading, 0 % done',
      'Reading, 25 % done',
      'Reading, 25 % done',
      'Reading, 50 % done',
      'Reading, 75 % done',
    ]);
    expect(progressMilestone({ ...at(0), tasksTotal: 0 })).toBe('Reading, 0 % done');
    expect(progressMilestone({ ...done, state: { phase: 'done', wallMs: 900 as Milliseconds } })).toBe(
      '24 lines read in 900 ms',
    );
  });

  it('names the state of a page', () => {
    expect(streaming.pages.map(pageInWords)).toEqual(['24 lines', '11 of 24 lines', 'looking for text']);
    const [broken] = failedPage.pages;
    expect(broken && pageInWords(broken)).toBe('could not be read');
    const [page] = done.pages;
    expect(page && pageInWords({ ...page, lines: [] })).toBe('no text found');
  });
});

describe('the readers of a page', () => {
  it('are counted, most lines first, and those who left are called so', () => {
    const page = done.pages[0];
    if (!page) throw new Error('the fixture has a page');
    const readers = readersOnPage(done, page);
    expect(readers.reduce((sum, reader) => sum + reader.lines, 0)).toBe(page.lines.length);
    expect(readers.map(({ lines }) => lines)).toEqual(
      readers.map(({ lines }) => lines).toSorted((a, b) => b - a),
    );
    expect(readersOnPage({ ...done, workers: [] }, page)[0]?.name).toBe('a device that left');
  });
});

describe('certainty', () => {
  it('has three steps', () => {
    const [line] = done.pages[0]?.lines ?? [];
    if (!line) throw new Error('the fixture has lines');
    const at = (confidence: number) => sureness({ ...line, confidence });
    expect([at(1), at(0.92), at(0.919), at(0.75), at(0.749)]).toEqual([
      'sure',
      'sure',
      'fair',
      'fair',
      'doubtful',
    ]);
  });
});

describe('before sending', () => {
  it('only peers that accept work will see the pages', () => {
    const peers = [fixturePeer(0), fixturePeer(3), fixturePeer(4)];
    expect(readersOf(peers).map((peer) => peer.status.name)).toEqual(['Kestrel', 'Workshop Mac']);
  });

  it('leaves out what says it is no image, and keeps what says nothing', () => {
    const file = (name: string, type: string) => new File(['x'], name, { type });
    const { images, others } = splitImages([
      file('a.png', 'image/png'),
      file('b.pdf', 'application/pdf'),
      file('c', ''),
    ]);
    expect(images.map(({ name }) => name)).toEqual(['a.png', 'c']);
    expect(others.map(({ name }) => name)).toEqual(['b.pdf']);
  });
});
