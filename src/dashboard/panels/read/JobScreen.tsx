import { useEffect, useState } from 'react';
import type { JobView, PageView } from '../../../app/readModels.ts';
import type { PeerId } from '../../../core/brand.ts';
import { useMediaQuery } from '../../hooks/useMediaQuery.ts';
import { Notice } from '../../kit/Notice.tsx';
import { Tabs } from '../../kit/Tabs.tsx';
import { JobEvents } from './JobEvents.tsx';
import { JobHeader } from './JobHeader.tsx';
import { pageInWords } from './jobWords.ts';
import { PageCanvas } from './PageCanvas.tsx';
import { PageReaders } from './PageReaders.tsx';
import { PageThumb } from './PageThumb.tsx';
import { Payment } from './Payment.tsx';
import { TextPane } from './TextPane.tsx';
import { WhoDidWhat } from './WhoDidWhat.tsx';

/** A line under the pointer or the keyboard; `peer` lights up everything that one peer read. */
export type Highlight = { readonly line: string | undefined; readonly peer: PeerId | undefined };

export const JobScreen = ({ job }: { readonly job: JobView }) => {
  const [pageIndex, setPageIndex] = useState(() => firstReadable(job));
  const [highlight, setHighlight] = useState<Highlight>({ line: undefined, peer: undefined });
  const [section, setSection] = useState<'page' | 'text' | 'work'>('page');
  const wide = useMediaQuery('(min-width: 1000px)');
  const page = job.pages[pageIndex] ?? job.pages[0];

  // biome-ignore lint/correctness/useExhaustiveDependencies: another page has other lines
  useEffect(() => setHighlight({ line: undefined, peer: undefined }), [pageIndex]);

  if (!page) return null;
  const canvas = (
    <div className="job-page">
      <PageReaders job={job} page={page} highlight={highlight} onHighlight={setHighlight} />
      <PageCanvas
        key={page.index}
        job={job.id}
        page={page}
        highlight={highlight}
        onHighlight={setHighlight}
      />
    </div>
  );
  const text = <TextPane job={job} page={page} highlight={highlight} onHighlight={setHighlight} />;
  const work = (
    <div className="job-work">
      <div className="job-shares">
        <WhoDidWhat job={job} highlight={highlight} onHighlight={setHighlight} />
        <Payment job={job.id} />
      </div>
      <JobEvents job={job} />
    </div>
  );
  return (
    <div className="job">
      <JobHeader job={job} />
      {job.pages.length > 1 ? <PageStrip job={job} selected={page.index} onSelect={setPageIndex} /> : null}
      {page.state.phase === 'failed' ? (
        <Notice tone="bad" title={`${page.name} can’t be read.`}>
          {page.state.reason}
        </Notice>
      ) : null}
      {wide ? (
        <>
          <div className="job-desk">
            {canvas}
            {text}
          </div>
          {work}
        </>
      ) : (
        <Tabs
          label="Parts of the job"
          selected={section}
          onSelect={setSection}
          tabs={[
            { key: 'page', label: 'Page', content: canvas },
            { key: 'text', label: 'Text', content: text },
            { key: 'work', label: 'Who did what', content: work },
          ]}
        />
      )}
    </div>
  );
};

const firstReadable = (job: JobView): number =>
  Math.max(
    0,
    job.pages.findIndex((page) => page.state.phase !== 'failed'),
  );

const PageStrip = ({
  job,
  selected,
  onSelect,
}: {
  readonly job: JobView;
  readonly selected: number;
  readonly onSelect: (index: number) => void;
}) => (
  <nav aria-label="Pages">
    <ol className="page-strip">
      {job.pages.map((page) => (
        <li key={page.index}>
          <button
            type="button"
            aria-current={page.index === selected ? 'true' : undefined}
            aria-label={`Page ${page.index + 1}, ${page.name}, ${pageInWords(page)}`}
            onClick={() => onSelect(page.index)}
          >
            <PageThumb job={job.id} page={page} />
            <span className="strip-words">
              <span className="clip">{page.name}</span>
              <span className="quiet small clip">{pageInWords(page)}</span>
              <PageProgress page={page} />
            </span>
          </button>
        </li>
      ))}
    </ol>
  </nav>
);

const PageProgress = ({ page }: { readonly page: PageView }) => {
  if (page.state.phase !== 'reading') return null;
  const share = page.expectedLines === 0 ? 0 : Math.min(1, page.lines.length / page.expectedLines);
  return (
    <span className="strip-progress" aria-hidden="true">
      <span style={{ width: `${share * 100}%` }} />
    </span>
  );
};
