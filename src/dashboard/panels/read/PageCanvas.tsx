import { memo, useState } from 'react';
import type { LineView, PageView } from '../../../app/readModels.ts';
import type { JobId } from '../../../core/brand.ts';
import { usePageImage } from '../../hooks/usePageImage.ts';
import { IconButton } from '../../kit/Button.tsx';
import { toneOf } from '../../kit/lantern.ts';
import type { Highlight } from './JobScreen.tsx';

type PageCanvasProps = {
  readonly job: JobId;
  readonly page: PageView;
  readonly highlight: Highlight;
  readonly onHighlight: (highlight: Highlight) => void;
};

/** The page with what was read on it, each box in its reader's colour. The text pane is its keyboard way in. */
export const PageCanvas = ({ job, page, highlight, onHighlight }: PageCanvasProps) => {
  const image = usePageImage(job, page.index);
  const [broken, setBroken] = useState(false);
  const [zoomed, setZoomed] = useState(false);
  const [bare, setBare] = useState(false);
  const known = page.width > 0 && page.height > 0;
  if (page.state.phase === 'failed' || image.phase === 'missing' || broken)
    return (
      <figure className="canvas canvas-missing">
        <p className="quiet">
          {image.phase === 'missing'
            ? 'The image is no longer stored on this device.'
            : 'This image can’t be shown.'}
        </p>
      </figure>
    );
  return (
    <figure
      className={zoomed ? 'canvas canvas-zoomed' : 'canvas'}
      aria-label={`${page.name} with the lines found`}
    >
      <div className="canvas-scroll" tabIndex={zoomed ? 0 : undefined}>
        <div
          className="canvas-page"
          style={known ? { aspectRatio: `${page.width} / ${page.height}` } : undefined}
        >
          {image.phase === 'ready' ? (
            <img
              src={image.url}
              alt={`Page: ${page.name}`}
              decoding="async"
              onError={() => setBroken(true)}
            />
          ) : null}
          {known && !bare ? (
            <svg
              viewBox={`0 0 ${page.width} ${page.height}`}
              preserveAspectRatio="none"
              aria-hidden="true"
              focusable="false"
              onPointerLeave={() => onHighlight({ ...highlight, line: undefined })}
            >
              {page.lines.map((line) => (
                <LineBox
                  key={line.id}
                  line={line}
                  state={boxState(line, highlight)}
                  onHover={() => onHighlight({ line: line.id, peer: undefined })}
                />
              ))}
            </svg>
          ) : null}
          {page.state.phase === 'detecting' || page.state.phase === 'waiting' ? (
            <span className="scan" />
          ) : null}
        </div>
      </div>
      <div className="canvas-tools">
        <IconButton
          icon="eye"
          label={bare ? 'Show boxes' : 'Hide boxes'}
          aria-pressed={bare}
          onClick={() => setBare(!bare)}
        />
        <IconButton
          icon={zoomed ? 'fit' : 'zoom'}
          label={zoomed ? 'Fit page' : 'Enlarge page'}
          aria-pressed={zoomed}
          onClick={() => setZoomed(!zoomed)}
        />
      </div>
    </figure>
  );
};

type BoxState = 'plain' | 'lit' | 'dim';

const boxState = (line: LineView, highlight: Highlight): BoxState => {
  if (highlight.line !== undefined) return highlight.line === line.id ? 'lit' : 'plain';
  if (highlight.peer !== undefined) return highlight.peer === line.peer ? 'lit' : 'dim';
  return 'plain';
};

/** Hundreds of these stand on a page; only those whose state changes are drawn again. */
const LineBox = memo(
  ({
    line,
    state,
    onHover,
  }: {
    readonly line: LineView;
    readonly state: BoxState;
    readonly onHover: () => void;
  }) => (
    <polygon
      className={`box tone box-${state}`}
      style={toneOf(line.peer)}
      points={line.quad.join(' ')}
      onPointerEnter={onHover}
    />
  ),
  (before, after) => before.line === after.line && before.state === after.state,
);
