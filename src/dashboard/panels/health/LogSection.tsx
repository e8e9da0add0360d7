import { useDeferredValue, useMemo, useState } from 'react';
import type { LogLevel } from '../../../core/ports/telemetry.ts';
import { saveFile } from '../../hooks/saveFile.ts';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { Button } from '../../kit/Button.tsx';
import { Segmented, TextInput } from '../../kit/Field.tsx';
import { formatClockTime, formatCount } from '../../kit/format.ts';
import { componentsOf, fieldsText, filterLog, type LogFilter } from './logFilter.ts';

const pageSize = 150;
const levels: readonly { readonly value: LogLevel; readonly label: string }[] = [
  { value: 'debug', label: 'All' },
  { value: 'info', label: 'Info' },
  { value: 'warn', label: 'Warnings' },
  { value: 'error', label: 'Errors' },
];

export const LogSection = () => {
  const { models, commands } = useApp();
  const entries = useStore(models.log);
  const [filter, setFilter] = useState<LogFilter>({ level: 'info', component: undefined, search: '' });
  const [limit, setLimit] = useState(pageSize);
  const wanted = useDeferredValue(filter);
  const components = useMemo(() => componentsOf(entries), [entries]);
  const shown = useMemo(() => filterLog(entries, wanted), [entries, wanted]);
  const download = async () => saveFile(await commands.downloadLog(), 'aivillage-log.txt');
  return (
    <section className="section" aria-labelledby="log-title">
      <div className="section-head">
        <h2 id="log-title">Log</h2>
        <Button icon="download" onClick={download}>
          Download log
        </Button>
      </div>
      <div className="bar log-filters">
        <Segmented
          label="Least serious level shown"
          value={filter.level}
          onChange={(level) => setFilter({ ...filter, level })}
          options={levels}
        />
        <select
          className="input"
          aria-label="Component"
          value={filter.component ?? ''}
          onChange={(event) => setFilter({ ...filter, component: event.currentTarget.value || undefined })}
        >
          <option value="">All components</option>
          {components.map((component) => (
            <option key={component}>{component}</option>
          ))}
        </select>
        <TextInput
          type="search"
          aria-label="Search the log"
          placeholder="Search"
          value={filter.search}
          onChange={(event) => setFilter({ ...filter, search: event.currentTarget.value })}
        />
      </div>
      {shown.length === 0 ? (
        <p className="quiet">
          {entries.length === 0
            ? 'Nothing was logged yet.'
            : 'Nothing matches: widen the level or clear the search.'}
        </p>
      ) : (
        <ol
          className="log"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
          tabIndex={0}
          aria-label={`${formatCount(shown.length, 'entry', 'entries')}, newest first`}
        >
          {shown.slice(0, limit).map((entry, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: several entries may share a millisecond; counting from the end keeps old keys
            <li key={shown.length - index} data-level={entry.level}>
              <time dateTime={new Date(entry.at).toISOString()}>{formatClockTime(entry.at)}</time>
              <span className="log-level">{entry.level}</span>
              <span className="log-component">{entry.component}</span>
              <span className="log-message">
                {entry.message} <span className="log-fields">{fieldsText(entry)}</span>
              </span>
            </li>
          ))}
        </ol>
      )}
      {shown.length > limit ? (
        <div>
          <Button look="plain" onClick={() => setLimit(limit + pageSize)}>
            Show older
          </Button>
        </div>
      ) : null}
    </section>
  );
};
