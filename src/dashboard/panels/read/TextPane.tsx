import { type KeyboardEvent, memo, useEffect, useRef, useState } from 'react';
import type { JobView, LineView, PageView } from '../../../app/readModels.ts';
import { Segmented } from '../../kit/Field.tsx';
import { formatPercent } from '../../kit/format.ts';
import { PeerName } from '../../kit/Lantern.tsx';
import { toneOf } from '../../kit/lantern.ts';
import type { Highlight } from './JobScreen.tsx';
import { isActive, pageInWords, sureness, workerName } from './jobWords.ts';

type TextPaneProps = {
  readonly job: JobView;
  readonly page: PageView;
  readonly highlight: Highlight;
  readonly onHighlight: (highlight: Highlight) => void;
};

export const TextPane = ({ job, page, highlight, onHighlight }: TextPaneProps) => {
  const [mode, setMode] = useState<'lines' | 'plain'>('lines');
  const doubtful = page.lines.filter((line) => sureness(line) !== 'sure').length;
  return (
    <section className="text-pane" aria-labelledby="text-title">
      <div className="section-head">
        <h2 id="text-title">Text</h2>
        {page.lines.length > 0 ? (
          <Segmented
            label="Show text as"
            value={mode}
            onChange={setMode}
            options={[
              { value: 'lines', label: 'Lines' },
              { value: 'plain', label: 'Plain' },
            ]}
          />
        ) : null}
      </div>
      {page.lines.length === 0 ? (
        <p className="quiet">{emptyWords(job, page)}</p>
      ) : mode === 'plain' ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <pre className="plain-text" tabIndex={0}>
          {page.text}
        </pre>
      ) : (
        <Lines job={job} page={page} highlight={highlight} onHighlight={onHighlight} />
      )}
      {doubtful > 0 && mode === 'lines' ? (
        <p className="small quiet">
          <span className="line-text fair">Dotted</span> lines were read with less certainty,{' '}
          <span className="line-text doubtful">shaded</span> ones with little: compare them with the page.
        </p>
      ) : null}
    </section>
  );
};

const emptyWords = (job: JobView, page: PageView): string => {
  if (page.state.phase === 'failed') return 'Nothing was read on this page.';
  if (page.state.phase === 'done') return 'No text was found on this page.';
  return isActive(job)
    ? `The first lines appear here: ${pageInWords(page)}.`
    : 'Nothing was read before the job ended.';
};

const Lines = ({ job, page, highlight, onHighlight }: TextPaneProps) => {
  const list = useRef<HTMLOListElement>(null);
  const currentIndex = Math.max(
    0,
    page.lines.findIndex((line) => line.id === highlight.line),
  );

  // A box under the pointer brings its line into sight, inside the pane only.
  useEffect(() => {
    if (highlight.line === undefined) return;
    const pane = list.current;
    const line = pane?.querySelector<HTMLElement>('[data-lit]');
    if (!pane || !line || pane.contains(document.activeElement)) return;
    if (
      line.offsetTop < pane.scrollTop ||
      line.offsetTop + line.offsetHeight > pane.scrollTop + pane.clientHeight
    )
      pane.scrollTop = line.offsetTop - pane.clientHeight / 2;
  }, [highlight.line]);

  const move = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const target = page.lines[currentIndex + step];
    if (step === 0 || !target) return;
    event.preventDefault();
    onHighlight({ ...highlight, line: target.id });
    list.current?.querySelectorAll('button')[currentIndex + step]?.focus();
  };

  return (
    <ol ref={list} className="lines" aria-label={`Lines of ${page.name}`} onKeyDown={move}>
      {page.lines.map((line, index) => (
        <Line
          key={line.id}
          line={line}
          reader={workerName(job, line.peer)}
          checker={line.checkedBy && workerName(job, line.checkedBy)}
          lit={line.id === highlight.line || (highlight.line === undefined && highlight.peer === line.peer)}
          open={line.id === highlight.line}
          reachable={index === currentIndex}
          onHighlight={() => onHighlight({ line: line.id, peer: undefined })}
        />
      ))}
    </ol>
  );
};

type LineProps = {
  readonly line: LineView;
  readonly reader: string;
  readonly checker: string | undefined;
  readonly lit: boolean;
  readonly open: boolean;
  readonly reachable: boolean;
  readonly onHighlight: () => void;
};

/** Lines stream in by the hundred: those already there are not drawn again for each new one. */
const Line = memo(
  ({ line, reader, checker, lit, open, reachable, onHighlight }: LineProps) => (
    <li className="tone" style={toneOf(line.peer)} data-lit={lit ? '' : undefined}>
      <button
        type="button"
        tabIndex={reachable ? 0 : -1}
        aria-label={`${line.text}. Read by ${reader}, ${formatPercent(line.confidence)} certain`}
        onFocus={onHighlight}
        onPointerEnter={onHighlight}
        onClick={onHighlight}
      >
        <span className={`line-text ${sureness(line)}`}>{line.text}</span>
        {open ? (
          <span className="line-detail small">
            <PeerName peer={line.peer} name={reader} size={15} />
            <span className="quiet">
              {formatPercent(line.confidence)} certain
              {checker ? ` · checked by ${checker}` : ''}
            </span>
          </span>
        ) : null}
      </button>
    </li>
  ),
  (before, after) =>
    before.line === after.line &&
    before.reader === after.reader &&
    before.checker === after.checker &&
    before.lit === after.lit &&
    before.open === after.open &&
    before.reachable === after.reachable,
);
