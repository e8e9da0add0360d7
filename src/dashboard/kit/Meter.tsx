import type { CSSProperties } from 'react';
import type { PeerId } from '../../core/brand.ts';
import { toneOf } from './lantern.ts';
import './meter.css';

export type MeterSegment = { readonly peer: PeerId; readonly name: string; readonly value: number };

/** Progress whose filled part shows, in the lanterns' colours, who did it. */
export const ShareMeter = ({
  label,
  segments,
  total,
  text,
  slim = false,
}: {
  readonly label: string;
  readonly segments: readonly MeterSegment[];
  readonly total: number;
  /** What a screen reader says instead of a percentage. */
  readonly text: string;
  readonly slim?: boolean;
}) => {
  const done = segments.reduce((sum, segment) => sum + segment.value, 0);
  const whole = Math.max(total, done, 1);
  return (
    <div
      className={slim ? 'meter meter-slim' : 'meter'}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={whole}
      aria-valuenow={done}
      aria-valuetext={text}
    >
      {segments.map((segment) =>
        segment.value > 0 ? (
          <span
            key={segment.peer}
            className="meter-part tone"
            title={`${segment.name}: ${segment.value}`}
            style={partStyle(segment, whole)}
          />
        ) : null,
      )}
    </div>
  );
};

/** One quantity out of one. */
export const Meter = ({ label, value }: { readonly label: string; readonly value: number }) => (
  <div
    className="meter meter-slim"
    role="progressbar"
    aria-label={label}
    aria-valuemin={0}
    aria-valuemax={100}
    aria-valuenow={Math.round(value * 100)}
  >
    <span className="meter-part meter-plain" style={{ width: `${Math.min(1, Math.max(0, value)) * 100}%` }} />
  </div>
);

const partStyle = (segment: MeterSegment, total: number): CSSProperties => ({
  ...toneOf(segment.peer),
  width: `${(segment.value / total) * 100}%`,
});
