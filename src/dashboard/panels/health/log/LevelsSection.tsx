import { useState } from 'react';
import type { LogLevel } from '../../../../core/ports/telemetry.ts';
import { useApp, useStore } from '../../../hooks/useApp.ts';
import { useNotify } from '../../../hooks/useNotify.ts';
import { Button } from '../../../kit/Button.tsx';
import { levelOrder } from './logQuery.ts';

const levelWords: Record<LogLevel, string> = {
  debug: 'everything',
  info: 'what happens',
  warn: 'warnings and errors',
  error: 'errors only',
};

/** How much each component writes down, from now on. */
export const LevelsSection = ({ components }: { readonly components: readonly string[] }) => {
  const { models } = useApp();
  const levels = useStore(models.telemetry.logLevels);
  const [shown, setShown] = useState(false);
  const standard = levels['default'] ?? 'info';
  const own = components.filter((name) => levels[name] !== undefined && levels[name] !== standard);
  return (
    <section className="section" aria-labelledby="levels-title">
      <div className="section-head">
        <h2 id="levels-title">What is written down</h2>
        <Button look="plain" aria-expanded={shown} onClick={() => setShown(!shown)}>
          {shown ? 'Fewer' : 'Each component'}
        </Button>
      </div>
      <p className="quiet">
        By default {levelWords[standard]}
        {own.length > 0 ? `; otherwise for ${own.join(', ')}` : ''}. Changes hold from now on, for as long as
        this browser keeps them.
      </p>
      <ul className="levels">
        <LevelRow component="default" label="By default" level={standard} />
        {shown
          ? components.map((name) => (
              <LevelRow key={name} component={name} label={name} level={levels[name] ?? standard} />
            ))
          : null}
      </ul>
    </section>
  );
};

const LevelRow = ({
  component,
  label,
  level,
}: {
  readonly component: string;
  readonly label: string;
  readonly level: LogLevel;
}) => {
  const { commands } = useApp();
  const notify = useNotify();
  const set = async (next: LogLevel) => {
    try {
      await commands.setLogLevel(component, next);
    } catch {
      notify({ text: `The level of ${label} was not changed: try again.`, tone: 'bad' });
    }
  };
  return (
    <li>
      <label>
        <span className={component === 'default' ? undefined : 'mono'}>{label}</span>
        <select
          className="input"
          value={level}
          onChange={(event) => {
            const next = levelOrder.find((entry) => entry === event.currentTarget.value);
            if (next) void set(next);
          }}
        >
          {levelOrder.map((entry) => (
            <option key={entry} value={entry}>
              {entry}: {levelWords[entry]}
            </option>
          ))}
        </select>
      </label>
    </li>
  );
};
