import { useState } from 'react';
import type { ModelDescription, OnnxDescription, SafetensorsDescription } from '../../../app/readModels.ts';
import { Button } from '../../kit/Button.tsx';
import { Facts, Figure } from '../../kit/Facts.tsx';
import { formatBytes, formatCount, formatInteger } from '../../kit/format.ts';
import { Notice } from '../../kit/Notice.tsx';
import { formatShape, missingInWords, opsetsInWords } from './modelWords.ts';
import { RunsSection } from './RunsSection.tsx';

/** What was counted in the file; nothing of it is an estimate. */
export const ModelFacts = ({ description }: { readonly description: ModelDescription }) => (
  <>
    <div className="figures">
      <Figure label="Size" value={formatBytes(description.bytes)} />
      <Figure label="Parameters" value={formatInteger(description.parameters)} />
      <Figure label="Tensors" value={formatInteger(description.tensors)} />
      {description.kind === 'onnx' ? (
        <Figure label="Operators" value={formatInteger(description.nodes)} />
      ) : null}
    </div>
    {description.kind === 'onnx' ? <OnnxFacts description={description} /> : null}
    {description.kind === 'safetensors' ? <SafetensorsFacts description={description} /> : null}
  </>
);

const OnnxFacts = ({ description }: { readonly description: OnnxDescription }) => {
  const { inputs, outputs, inputTypes, outputTypes, problems, files, missing } = description;
  return (
    <>
      {missing.length > 0 ? (
        <Notice tone="warn" title="Some of its weights are missing.">
          {missingInWords(missing)}
        </Notice>
      ) : null}
      <Problems problems={problems} />
      <div className="columns">
        <section className="section" aria-labelledby="model-facts-title">
          <div className="section-head">
            <h2 id="model-facts-title">What it is</h2>
          </div>
          <Facts
            facts={[
              { term: 'Made by', value: description.producer || 'not said' },
              { term: 'Format', value: `ONNX, IR version ${description.irVersion}` },
              { term: 'Operator sets', value: opsetsInWords(description.opsets) || 'none' },
              ...bytesFacts(description),
              ...(files.length > 0 ? [{ term: 'Weights beside it', value: files.join(', ') }] : []),
            ]}
          />
          <Values title="Takes" names={inputs.map(({ name }) => name)} types={inputTypes} />
          <Values title="Gives" names={outputs.map(({ name }) => name)} types={outputTypes} />
        </section>
        <div className="model-side">
          <RunsSection missing={missing.length > 0} />
          <Operators ops={description.ops} />
        </div>
      </div>
      <Largest tensors={description.largest} of={description.tensors} />
    </>
  );
};

const SafetensorsFacts = ({ description }: { readonly description: SafetensorsDescription }) => (
  <>
    <section className="section" aria-labelledby="model-facts-title">
      <h2 id="model-facts-title">What it is</h2>
      <Facts
        facts={[
          { term: 'Format', value: 'safetensors: weights by name, no operators' },
          ...bytesFacts(description),
          ...description.metadata.map(([term, value]) => ({ term, value })),
        ]}
      />
    </section>
    <Largest tensors={description.largest} of={description.tensors} />
  </>
);

const bytesFacts = ({ bytesByType }: Pick<ModelDescription, 'bytesByType'>) => [
  {
    term: 'Numbers as',
    value: bytesByType.map(([dtype, bytes]) => `${dtype} ${formatBytes(bytes)}`).join(', ') || 'none',
  },
];

const Problems = ({ problems }: { readonly problems: OnnxDescription['problems'] }) => {
  if (problems.length === 0) return null;
  const shown = problems.slice(0, 5);
  return (
    <Notice tone="warn" title={`${formatCount(problems.length, 'thing')} in it should not be so.`}>
      <ul className="model-problems">
        {shown.map(({ message, node }) => (
          <li key={message}>
            {message}
            {node && !message.includes(node) ? ` (at “${node}”)` : ''}
          </li>
        ))}
        {problems.length > shown.length ? <li>and {problems.length - shown.length} more</li> : null}
      </ul>
    </Notice>
  );
};

const Values = ({
  title,
  names,
  types,
}: {
  readonly title: string;
  readonly names: readonly string[];
  readonly types: readonly string[];
}) => (
  <div>
    <h3>{title}</h3>
    <ul className="model-values">
      {names.map((name, at) => (
        <li key={name}>
          <span>{name}</span> <span className="mono quiet">{types[at]}</span>
        </li>
      ))}
    </ul>
  </div>
);

const Operators = ({ ops }: { readonly ops: OnnxDescription['ops'] }) => (
  <section className="section" aria-labelledby="ops-title">
    <h2 id="ops-title">Operators</h2>
    <ul className="model-ops">
      {ops.map(([op, count]) => (
        <li key={op}>
          {op} <span className="quiet">{formatInteger(count)}</span>
        </li>
      ))}
    </ul>
  </section>
);

const Largest = ({ tensors, of }: { readonly tensors: ModelDescription['largest']; readonly of: number }) => {
  const [all, setAll] = useState(false);
  const shown = all ? tensors : tensors.slice(0, rowsAtFirst);
  return (
    <section className="section" aria-labelledby="largest-title">
      <h2 id="largest-title">Largest tensors</h2>
      {tensors.length === 0 ? <p className="quiet">It has none.</p> : null}
      {tensors.length > 0 ? (
        <div className="table-scroll">
          <table className="table model-table">
            <caption className="unseen">
              {shown.length} of {formatCount(of, 'tensor')}, the largest first
            </caption>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Shape</th>
                <th scope="col" className="roomy">
                  Numbers as
                </th>
                <th scope="col" className="number">
                  Size
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map(({ name, dims, dtype, bytes }) => (
                <tr key={name}>
                  <td className="model-name">{name}</td>
                  <td className="quiet">{formatShape(dims)}</td>
                  <td className="quiet roomy">{dtype}</td>
                  <td className="number">{formatBytes(bytes)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
      {tensors.length > rowsAtFirst ? (
        <div>
          <Button look="plain" onClick={() => setAll(!all)} aria-expanded={all}>
            {all ? 'Show fewer' : `Show the ${tensors.length} largest`}
          </Button>
        </div>
      ) : null}
    </section>
  );
};

const rowsAtFirst = 6;
