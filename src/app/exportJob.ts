import type { JobView, PageView } from '../inference/contracts.ts';

/** The whole job's text: pages in order, each after a line with its file's name if there are several. */
export const jobToText = (job: JobView): string => {
  const pages = job.pages.filter((page) => page.state.phase !== 'failed');
  if (pages.length === 1) return `${pages[0]?.text ?? ''}\n`;
  return pages.map((page) => `── ${page.name} ──\n${page.text}\n`).join('\n');
};

/**
 * Version 1 of the export: quads in page pixels (x, y of the four corners, clockwise from the text's top-left),
 * confidences 0…1, and the peer that read each line.
 */
export const jobToJson = (job: JobView): string =>
  JSON.stringify(
    {
      format: 'aivillage.ocr',
      version: 1,
      job: job.id,
      createdAt: new Date(job.createdAt).toISOString(),
      state: job.state.phase,
      files: job.pages.map(pageToJson),
      peers: job.workers.map(({ peer, name, runtime, tasks, lines, milliCredits, lost, wrong }) => ({
        id: peer,
        name,
        runtime,
        tasks,
        lines,
        credits: milliCredits / 1000,
        lost,
        wrong,
      })),
    },
    undefined,
    2,
  );

const pageToJson = (page: PageView) => ({
  file: page.name,
  width: page.width,
  height: page.height,
  ...(page.state.phase === 'failed' ? { error: page.state.reason } : {}),
  text: page.text,
  lines: page.lines.map((line) => ({
    text: line.text,
    box: line.quad,
    confidence: line.confidence,
    peer: line.peer,
    ...(line.checkedBy ? { checkedBy: line.checkedBy } : {}),
  })),
});
