import { equalBytes } from '../../core/bytes.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import type { ListingTerms } from '../../ledger/transition/mint/listings.ts';
import { outputOf, readingModel, workClass } from './output.ts';
import { type Reading, type ReadingEngine, readAlone } from './reading.ts';
import type { InputList, ListedPage, PageSource } from './source.ts';

/** Pages read in search of two that say different things. */
const mostRead = 8;

/** A worker with both models open held so many megabytes after a page of two megapixels (compute/scheduler/slots.ts). */
const megabytesHeld = 410;

export type MeasureDeps = {
  readonly engine: ReadingEngine;
  readonly source: Pick<PageSource, 'page'>;
  readonly clock: Clock;
};

type Read = Reading & {
  readonly page: ListedPage;
  readonly output: ListingTerms['references'][number]['output'];
};

/**
 * What a listing of these pages would say: two pages whose text differs as references, and what pages cost here on average.
 * Everybody is paid by what this device found, so it should read them as others will.
 */
export const measureListing = async (
  deps: MeasureDeps,
  { list, title }: { readonly list: InputList; readonly title: string },
  onPage: (read: number) => void,
  signal: AbortSignal,
): Promise<Result<ListingTerms, Fault>> => {
  const read: Read[] = [];
  for (const page of list.pages.slice(0, mostRead)) {
    onPage(read.length);
    const next = await readPage(deps, page, signal);
    if (signal.aborted) return err(fault('cancelled', 'stopped'));
    if (!next.ok) return next;
    read.push(next.value);
    const [first] = read;
    if (first && !equalBytes(first.output, next.value.output))
      return ok(termsOf({ list, title }, read, [first, next.value]));
  }
  return err(
    fault(
      'alike',
      `the first ${read.length} pages of “${list.name}” have the same text: one answer would be paid for all. Put different pages first.`,
    ),
  );
};

const readPage = async (
  deps: MeasureDeps,
  page: ListedPage,
  signal: AbortSignal,
): Promise<Result<Read, Fault>> => {
  const file = await deps.source.page(page, signal);
  if (!file.ok) return file;
  const read = await readAlone(deps, file.value, signal);
  return read.ok ? ok({ ...read.value, page, output: outputOf(read.value.lines) }) : read;
};

const termsOf = (
  { list, title }: { readonly list: InputList; readonly title: string },
  read: readonly Read[],
  references: readonly Read[],
): ListingTerms => {
  const average = (of: (one: Read) => number) =>
    Math.max(1, Math.ceil(read.reduce((sum, one) => sum + of(one), 0) / read.length));
  const wallMs = average((one) => one.wallMs);
  return {
    title,
    class: workClass,
    model: readingModel,
    inputs: list.root,
    units: list.pages.length,
    cost: average((one) => one.cost),
    cpuMilliseconds: wallMs, // of one thread
    memoryMegabyteSeconds: Math.ceil((megabytesHeld * wallMs) / 1_000),
    match: { kind: 'hash' },
    references: references.map(({ page, output }) => ({ input: page.hash, output, openings: [] })),
  };
};
