import { useDeferredValue, useEffect, useMemo, useState } from 'react';
import type { LogEntry } from '../../../../app/telemetryView.ts';
import type { LogLevel } from '../../../../core/ports/telemetry.ts';
import { saveBytes } from '../../../hooks/saveFile.ts';
import { useApp, useStore } from '../../../hooks/useApp.ts';
import { useNotify } from '../../../hooks/useNotify.ts';
import { Button } from '../../../kit/Button.tsx';
import { Segmented, TextInput } from '../../../kit/Field.tsx';
import { formatCount } from '../../../kit/format.ts';
import { Empty, Notice } from '../../../kit/Notice.tsx';
import { usePlace } from '../place.ts';
import { LevelsSection } from './LevelsSection.tsx';
import { LogRow } from './LogRow.tsx';
import {
  componentsOf,
  firstFilter,
  type LogFilter,
  needsStore,
  newestFirst,
  queryOf,
  recentEntries,
} from './logQuery.ts';
import './log.css';

const pageSize = 150;
const everything = 100_000;
const levels: readonly { readonly value: LogLevel; readonly label: string }[] = [
  { value: 'debug', label: 'All' },
  { value: 'info', label: 'Info' },
  { value: 'warn', label: 'Warnings' },
  { value: 'error', label: 'Errors' },
];
const minute = 60_000;
const times = [
  { label: 'Any time', backMs: undefined },
  { label: 'Last 10 min', backMs: 10 * minute },
  { label: 'Last hour', backMs: 60 * minute },
  { label: 'Last day', backMs: 1_440 * minute },
] as const;

export const LogTab = () => {
  const { models, commands, clock, timers } = useApp();
  const notify = useNotify();
  const { open, closeItem, show } = usePlace();
  const entries = useStore(models.telemetry.log);
  const logLevels = useStore(models.telemetry.logLevels);
  const { logs } = useStore(models.telemetry.settings);
  const [typed, setTyped] = useState<LogFilter>(firstFilter);
  const [limit, setLimit] = useState(pageSize);
  const [opened, setOpened] = useState<string>();
  const filter = useMemo(
    // Of one trace everything is worth seeing, whatever its level.
    (): LogFilter => (open === undefined ? typed : { ...typed, traceId: open, level: 'debug' }),
    [typed, open],
  );
  const wanted = useDeferredValue(filter);
  const components = useMemo(() => componentsOf(entries, logLevels), [entries, logLevels]);
  const found = useFound(entries, wanted, limit);
  const download = async () => {
    try {
      saveBytes(timers, await commands.exportLog(queryOf(filter, clock.now(), everything)));
    } catch {
      notify({ text: 'The log could not be written into a file: try again.', tone: 'bad' });
    }
  };
  return (
    <div className="health-tab">
      <section className="section" aria-label="Log">
        <div className="bar log-filters">
          <Segmented
            label="Least serious level shown"
            value={filter.level}
            onChange={(level) => setTyped({ ...typed, level })}
            options={levels}
          />
          <select
            className="input"
            aria-label="Component"
            value={typed.component ?? ''}
            onChange={(event) => setTyped({ ...typed, component: event.currentTarget.value || undefined })}
          >
            <option value="">All components</option>
            {components.map((component) => (
              <option key={component}>{component}</option>
            ))}
          </select>
          <select
            className="input"
            aria-label="Time"
            value={typed.backMs ?? ''}
            onChange={(event) =>
              setTyped({
                ...typed,
                backMs: event.currentTarget.value === '' ? undefined : Number(event.currentTarget.value),
              })
            }
          >
            {times.map(({ label, backMs }) => (
              <option key={label} value={backMs ?? ''}>
                {label}
              </option>
            ))}
          </select>
          <TextInput
            type="search"
            aria-label="Search the log"
            placeholder="Search what is stored"
            value={typed.text}
            onChange={(event) => setTyped({ ...typed, text: event.currentTarget.value })}
          />
          <Button
            icon="download"
            onClick={() => void download()}
            aria-label="Download what is shown as JSON lines"
          >
            JSON lines
          </Button>
        </div>
        {open === undefined ? null : (
          <Notice
            icon="search"
            title="Only what belongs to one trace."
            action={<Button onClick={closeItem}>Show all</Button>}
          >
            <span className="mono">{open}</span>
          </Notice>
        )}
        {found.failed ? (
          <Notice tone="bad" title="The stored log could not be searched.">
            {found.failed} The newest entries are still shown without a search.
          </Notice>
        ) : null}
        {!logs && entries.length === 0 ? (
          <Empty
            title="The log is switched off"
            action={<Button onClick={() => show('reports')}>See what is measured</Button>}
          >
            Nothing is written down until you switch it on again.
          </Empty>
        ) : found.list.length === 0 ? (
          <p className="quiet" role="status">
            {found.searching
              ? 'Searching…'
              : entries.length === 0
                ? 'Nothing was logged yet.'
                : open !== undefined
                  ? 'The log says nothing of this trace any more: it keeps the newest entries only.'
                  : 'Nothing matches: widen the level or the time, or clear the search.'}
          </p>
        ) : (
          <ol
            className="log"
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
            tabIndex={0}
            aria-busy={found.searching}
            aria-label={`${formatCount(Math.min(limit, found.list.length), 'entry', 'entries')}, newest first`}
          >
            {found.list.slice(0, limit).map((entry) => {
              const key = `${entry.at} ${entry.sequence}`;
              return (
                <LogRow
                  key={key}
                  entry={entry}
                  open={opened === key}
                  onToggle={() => setOpened(opened === key ? undefined : key)}
                />
              );
            })}
          </ol>
        )}
        {found.list.length > limit || (found.stored && found.list.length === limit) ? (
          <div>
            <Button look="plain" onClick={() => setLimit(limit + pageSize)}>
              Show older
            </Button>
          </div>
        ) : null}
      </section>
      <LevelsSection components={components} />
    </div>
  );
};

type Found = {
  readonly list: readonly LogEntry[];
  readonly stored: boolean;
  readonly searching: boolean;
  readonly failed: string | undefined;
};

/** The newest as they come, or what is stored as it was when somebody searched. */
const useFound = (entries: readonly LogEntry[], filter: LogFilter, limit: number): Found => {
  const { commands, clock } = useApp();
  const stored = needsStore(filter);
  const [answer, setAnswer] = useState<{
    readonly of: LogFilter;
    readonly list: readonly LogEntry[];
    readonly failed: string | undefined;
  }>();
  useEffect(() => {
    if (!stored) return;
    let current = true;
    commands.searchLog(queryOf(filter, clock.now(), limit)).then(
      (list) => current && setAnswer({ of: filter, list: newestFirst(list), failed: undefined }),
      (cause: unknown) =>
        current &&
        setAnswer({
          of: filter,
          list: [],
          failed: cause instanceof Error ? `${cause.message}.` : String(cause),
        }),
    );
    return () => {
      current = false;
    };
  }, [commands, clock, stored, filter, limit]);
  const recent = useMemo(() => (stored ? [] : recentEntries(entries, filter)), [stored, entries, filter]);
  if (!stored) return { list: recent, stored: false, searching: false, failed: undefined };
  return { list: answer?.list ?? [], stored: true, searching: answer?.of !== filter, failed: answer?.failed };
};
