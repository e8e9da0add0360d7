import type { ReactNode } from 'react';
import { notReported } from './format.ts';
import './facts.css';

export type Fact = { readonly term: string; readonly value: ReactNode; readonly hint?: ReactNode };

/** Terms and values in two columns; an undefined value is said to be unreported, never shown as zero. */
export const Facts = ({ facts }: { readonly facts: readonly Fact[] }) => (
  <dl className="facts">
    {facts.map((fact) => (
      <div key={fact.term}>
        <dt>{fact.term}</dt>
        <dd>
          {fact.value ?? <span className="unreported">{notReported}</span>}
          {fact.hint ? <span className="fact-hint">{fact.hint}</span> : null}
        </dd>
      </div>
    ))}
  </dl>
);

export const Figure = ({
  label,
  value,
  hint,
}: {
  readonly label: string;
  readonly value: ReactNode;
  readonly hint?: ReactNode;
}) => (
  <div className="figure">
    <span className="figure-label">{label}</span>
    <span className="figure-value">{value}</span>
    {hint ? <span className="figure-hint">{hint}</span> : null}
  </div>
);
