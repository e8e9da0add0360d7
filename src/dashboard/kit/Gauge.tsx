import type { ReactNode } from 'react';
import './gauge.css';

/** A quantity against a largest one, with a mark at what is needed. Figures stand beside it, exactly. */
export const Gauge = ({
  label,
  value,
  most,
  needed,
  text,
  tone = 'accent',
}: {
  readonly label: string;
  readonly value: number;
  readonly most: number;
  readonly needed?: number;
  /** The figures, for those who can't see the bar. */
  readonly text: string;
  readonly tone?: 'accent' | 'good' | 'bad' | 'plain';
}) => {
  const share = (part: number) => `${most > 0 ? Math.min(100, (part / most) * 100) : 0}%`;
  return (
    <div className="gauge" role="img" aria-label={`${label}: ${text}`}>
      <span className={`gauge-part gauge-${tone}`} style={{ width: share(value) }} />
      {needed === undefined ? null : (
        <span className="gauge-mark" style={{ left: share(needed) }} aria-hidden="true" />
      )}
    </div>
  );
};

/** A gauge in a line: what, how much of it, and the figure. */
export const GaugeLine = ({
  label,
  figure,
  children,
}: {
  readonly label: string;
  readonly figure: ReactNode;
  readonly children: ReactNode;
}) => (
  <div className="gauge-line">
    <span>{label}</span>
    {children}
    <span className="number">{figure}</span>
  </div>
);
