import { type KeyboardEvent, type ReactNode, Suspense, useId, useRef } from 'react';
import { Boundary } from './Boundary.tsx';
import './tabs.css';

export type Tab<Key extends string> = {
  readonly key: Key;
  readonly label: string;
  /** How many things wait there. */
  readonly count?: number;
  readonly content: ReactNode;
};

/** The ARIA tabs pattern: arrows move and select, Home and End jump. What comes late or fails leaves the other tabs in place. */
export const Tabs = <Key extends string>({
  label,
  tabs,
  selected,
  onSelect,
}: {
  readonly label: string;
  readonly tabs: readonly Tab<Key>[];
  readonly selected: Key;
  readonly onSelect: (key: Key) => void;
}) => {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const target = nextIndex(
      event.key,
      tabs.findIndex((tab) => tab.key === selected),
      tabs.length,
    );
    const tab = target === undefined ? undefined : tabs[target];
    if (target === undefined || !tab) return;
    event.preventDefault();
    onSelect(tab.key);
    list.current?.querySelectorAll('button')[target]?.focus();
  };
  const current = tabs.find((tab) => tab.key === selected);
  return (
    <div className="tabs">
      <div ref={list} role="tablist" aria-label={label} className="tab-list" onKeyDown={move} tabIndex={-1}>
        {tabs.map((tab) => (
          <button
            key={tab.key}
            type="button"
            role="tab"
            id={`${id}-${tab.key}`}
            aria-selected={tab.key === selected}
            aria-controls={`${id}-panel`}
            tabIndex={tab.key === selected ? 0 : -1}
            onClick={() => onSelect(tab.key)}
          >
            {tab.label}
            {tab.count ? <span className="count">{tab.count}</span> : null}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${selected}`} className="tab-panel">
        <Boundary key={selected}>
          <Suspense fallback={<p className="screen-loading">Opening…</p>}>{current?.content}</Suspense>
        </Boundary>
      </div>
    </div>
  );
};

const nextIndex = (key: string, current: number, count: number): number | undefined => {
  if (key === 'ArrowRight') return (current + 1) % count;
  if (key === 'ArrowLeft') return (current - 1 + count) % count;
  if (key === 'Home') return 0;
  if (key === 'End') return count - 1;
  return undefined;
};
