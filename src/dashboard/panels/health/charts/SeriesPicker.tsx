import { useDeferredValue, useMemo, useState } from 'react';
import { useApp, useStore } from '../../../hooks/useApp.ts';
import { Button } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { Field, TextInput } from '../../../kit/Field.tsx';
import { labelsInWords, type MetricGroup, searchSeries } from './chartModel.ts';

const shownGroups = 30;
const shownSeries = 40;
/** More lines are no picture any more. */
const mostLines = 50;

export const SeriesPicker = ({
  added,
  onChange,
  onClose,
}: {
  readonly added: readonly string[];
  readonly onChange: (added: readonly string[]) => void;
  readonly onClose: () => void;
}) => {
  const { models, commands } = useApp();
  const series = useStore(models.telemetry.series);
  const [text, setText] = useState('');
  const wanted = useDeferredValue(text);
  const groups = useMemo(() => searchSeries(series, wanted, commands.describe), [series, wanted, commands]);
  const toggle = (key: string) =>
    onChange(added.includes(key) ? added.filter((entry) => entry !== key) : [...added, key]);
  const toggleAll = ({ series: group }: MetricGroup) => {
    const keys = group.map(({ key }) => key).slice(0, mostLines);
    const rest = added.filter((key) => !keys.includes(key));
    onChange(rest.length + keys.length === added.length ? rest : [...rest, ...keys]);
  };
  return (
    <Dialog title="Add a series" wide onClose={onClose}>
      <Field label="Find" hint="A word of its name, its labels or its description.">
        {(ids) => (
          <TextInput
            {...ids}
            type="search"
            autoComplete="off"
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
        )}
      </Field>
      {groups.length === 0 ? (
        <p className="quiet" role="status">
          Nothing measured here has that in its name. Fewer words find more.
        </p>
      ) : null}
      <div className="picker">
        {groups.slice(0, shownGroups).map((group) => (
          <fieldset key={group.name}>
            <legend>
              <strong className="mono">{group.name}</strong>
              {group.help ? <span className="row-note">{group.help}</span> : null}
            </legend>
            {group.series.length > 1 ? (
              <label>
                <input
                  type="checkbox"
                  checked={group.series.slice(0, mostLines).every(({ key }) => added.includes(key))}
                  onChange={() => toggleAll(group)}
                />
                <span>
                  {group.series.length > mostLines ? `the first ${mostLines}` : `all ${group.series.length}`}
                </span>
              </label>
            ) : null}
            {group.series.slice(0, shownSeries).map((entry) => (
              <label key={entry.key}>
                <input
                  type="checkbox"
                  checked={added.includes(entry.key)}
                  onChange={() => toggle(entry.key)}
                />
                <span>{labelsInWords(entry.labels) || 'all of it'}</span>
              </label>
            ))}
            {group.series.length > shownSeries ? (
              <p className="small quiet">
                And {group.series.length - shownSeries} more: write a label to find them.
              </p>
            ) : null}
          </fieldset>
        ))}
      </div>
      {groups.length > shownGroups ? (
        <p className="small quiet">
          And {groups.length - shownGroups} more metrics: write a word of their name.
        </p>
      ) : null}
      <div className="bar">
        <span className="grow" />
        <Button look="primary" onClick={onClose}>
          Done
        </Button>
      </div>
    </Dialog>
  );
};
