import type { JobView, PageView } from '../../../app/readModels.ts';
import type { PeerId } from '../../../core/brand.ts';
import { Lantern } from '../../kit/Lantern.tsx';
import type { Highlight } from './JobScreen.tsx';
import { readersOnPage } from './jobWords.ts';

/** The legend of the boxes; pressing a reader shows what it read on this page. */
export const PageReaders = ({
  job,
  page,
  highlight,
  onHighlight,
}: {
  readonly job: JobView;
  readonly page: PageView;
  readonly highlight: Highlight;
  readonly onHighlight: (highlight: Highlight) => void;
}) => {
  const readers = readersOnPage(job, page);
  if (readers.length === 0) return null;
  const show = (peer: PeerId | undefined) => onHighlight({ line: undefined, peer });
  return (
    <ul className="readers" aria-label="Who read this page">
      {readers.map(({ peer, name, lines }) => (
        <li key={peer}>
          <button
            type="button"
            aria-pressed={highlight.peer === peer}
            aria-label={`${name}, ${lines} lines`}
            onClick={() => show(highlight.peer === peer ? undefined : peer)}
          >
            <Lantern peer={peer} name={name} size={17} />
            <span className="clip">{name}</span>
            <span className="quiet">{lines}</span>
          </button>
        </li>
      ))}
    </ul>
  );
};
