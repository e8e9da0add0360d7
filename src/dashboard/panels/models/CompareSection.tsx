import { type FormEvent, useState } from 'react';
import type { ModelComparison, OnnxDescription } from '../../../app/readModels.ts';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { Button } from '../../kit/Button.tsx';
import { Figure } from '../../kit/Facts.tsx';
import { Field, TextInput } from '../../kit/Field.tsx';
import { formatDuration } from '../../kit/format.ts';
import { Meter } from '../../kit/Meter.tsx';
import { Notice } from '../../kit/Notice.tsx';
import type { Run } from './ModelsPanel.tsx';
import {
  comparisonInWords,
  formatCosine,
  formatError,
  placesOf,
  sharedTop,
  whyNoInputs,
} from './modelWords.ts';

/** Always the same numbers: two people who compare the same models see the same. */
const seed = 1;

/** Both models on the same drawn inputs, side by side. */
export const CompareSection = ({
  description,
  onRun,
}: {
  readonly description: OnnxDescription;
  readonly onRun: Run;
}) => {
  const { models, commands } = useApp();
  const { comparison } = useStore(models.bench);
  const obstacle = whyNoInputs(description);
  const form = useSettings(description);
  const running = comparison.phase === 'running';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (running) onRun(commands.cancelModelWork);
    else onRun(() => commands.compareModels(form.settings()));
  };
  return (
    <section className="section" aria-labelledby="compare-title">
      <h2 id="compare-title">Compare with the original</h2>
      {obstacle ? (
        <p className="quiet">{obstacle}</p>
      ) : (
        <>
          <p className="quiet">
            Both run here on the same random inputs. That tells how far the numbers move, not how well it does
            its work: try it on real inputs before you rely on it.
          </p>
          <form className="compare-form" onSubmit={submit}>
            {form.fields.map(({ key, label, hint, value, least, set }) => (
              <Field key={key} label={label} hint={hint}>
                {(ids) => (
                  <TextInput
                    {...ids}
                    type="number"
                    inputMode="numeric"
                    required
                    min={least}
                    step={1}
                    value={value}
                    disabled={running}
                    onChange={(event) => set(event.currentTarget.value)}
                  />
                )}
              </Field>
            ))}
            <Button submit look={running ? 'outline' : 'primary'}>
              {running ? 'Cancel' : 'Compare'}
            </Button>
          </form>
          {running ? <Meter label="Runs done" value={comparison.done / comparison.total} /> : null}
          {comparison.phase === 'failed' ? (
            <Notice tone="bad" title="They could not be compared.">
              {comparison.reason} Another size above may help.
            </Notice>
          ) : null}
          {comparison.phase === 'done' ? <Outcome result={comparison.result} /> : null}
        </>
      )}
    </section>
  );
};

const useSettings = ({ sizes, feeds }: OnnxDescription) => {
  const drawn = feeds.filter(({ name, dtype }) => /^u?int/.test(dtype ?? '') && !/mask|position/i.test(name));
  const [values, setValues] = useState<Readonly<Record<string, string>>>(() => ({
    runs: '4',
    ...Object.fromEntries(sizes.map(({ name, suggested }) => [`size ${name}`, String(suggested)])),
    ...Object.fromEntries(drawn.map(({ name, rows }) => [`bound ${name}`, String(rows ?? 2)])),
  }));
  const numberAt = (key: string) => Number(values[key] ?? 0);
  const field = (key: string, label: string, least: number, hint?: string) => ({
    key,
    label,
    hint,
    least,
    value: values[key] ?? '',
    set: (value: string) => setValues((now) => ({ ...now, [key]: value })),
  });
  return {
    fields: [
      ...sizes.map(({ name }) => field(`size ${name}`, `Size of “${name}”`, 0, placesOf(name, { feeds }))),
      ...drawn.map(({ name, rows }) =>
        field(
          `bound ${name}`,
          `“${name}” below`,
          1,
          rows === undefined
            ? 'The model doesn’t say how large they may be.'
            : 'Rows of the table they look up.',
        ),
      ),
      field('runs', 'Runs', 1),
    ],
    settings: () => ({
      sizes: Object.fromEntries(sizes.map(({ name }) => [name, numberAt(`size ${name}`)])),
      bounds: Object.fromEntries(drawn.map(({ name }) => [name, numberAt(`bound ${name}`)])),
      runs: Math.min(50, Math.max(1, numberAt('runs'))),
      seed,
    }),
  };
};

const Outcome = ({ result }: { readonly result: ModelComparison }) => (
  <div className="compare-outcome">
    <p>{comparisonInWords(result.outputs, result.runs)}</p>
    <div className="figures">
      <Figure label="A run before" value={formatDuration(result.msBefore)} />
      <Figure label="A run now" value={formatDuration(result.msAfter)} hint="WebAssembly, on this device" />
    </div>
    <div className="table-scroll">
      <table className="table model-table">
        <caption className="unseen">How far the outputs are apart</caption>
        <thead>
          <tr>
            <th scope="col">Output</th>
            <th scope="col" className="number">
              Difference
            </th>
            <th scope="col" className="number">
              Cosine
            </th>
            <th scope="col" className="number roomy">
              Largest
            </th>
            <th scope="col" className="number">
              Same top choice
            </th>
          </tr>
        </thead>
        <tbody>
          {result.outputs.map(({ name, relative, cosine, max, sameTop }) => (
            <tr key={name}>
              <td className="model-name">{name}</td>
              <td className="number">{formatError(relative)}</td>
              <td className="number">{formatCosine(cosine)}</td>
              <td className="number quiet roomy">{Number(max.toPrecision(3))}</td>
              <td className="number">{sameTop === undefined ? '–' : sharedTop(sameTop)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  </div>
);
