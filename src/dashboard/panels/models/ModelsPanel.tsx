import { useCallback, useEffect, useRef, useState } from 'react';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { useFileDrop } from '../../hooks/useFileDrop.ts';
import { Button } from '../../kit/Button.tsx';
import { Notice } from '../../kit/Notice.tsx';
import { CompareSection } from './CompareSection.tsx';
import { FilePicker } from './FilePicker.tsx';
import { ModelFacts } from './ModelFacts.tsx';
import { workInWords } from './modelWords.ts';
import { QuantizeSection } from './QuantizeSection.tsx';
import { ReportSection } from './ReportSection.tsx';
import './models.css';

export const ModelsPanel = () => {
  const { models, commands } = useApp();
  const bench = useStore(models.bench);
  const [error, setError] = useState<string>();
  const run = useCallback((work: () => Promise<void>) => {
    setError(undefined);
    work().catch((cause: unknown) => setError(cause instanceof Error ? cause.message : String(cause)));
  }, []);
  const take = useCallback(
    (files: readonly File[]) => {
      if (files.length > 0) run(() => commands.openModel(files));
    },
    [commands, run],
  );
  const over = useFileDrop(take);
  const { file, work } = bench;
  return (
    <div className="screen models">
      <header className="screen-head">
        <div>
          <h1>Models</h1>
          <p>See what is in a model file, make it smaller, and find out what that costs.</p>
        </div>
      </header>
      <p className="unseen" role="status">
        {workInWords(bench)}
      </p>
      {error ? (
        <Notice tone="bad" title="That did not work.">
          {error}
        </Notice>
      ) : null}
      {file.phase === 'refused' ? (
        <Notice tone="bad" title={`${file.name || 'This'} can’t be opened.`}>
          {file.reason}
        </Notice>
      ) : null}
      {file.phase === 'open' ? (
        <>
          <OpenHead name={file.name} over={over} onFiles={take} onClose={() => run(commands.closeModel)} />
          <ModelFacts description={file.description} />
          <QuantizeSection file={file} onRun={run} />
          {work.phase === 'done' ? <ReportSection work={work} onRun={run} /> : null}
          {work.phase === 'done' && file.description.kind === 'onnx' ? (
            <CompareSection key={file.name} description={file.description} onRun={run} />
          ) : null}
        </>
      ) : (
        <EmptyBench
          reading={file.phase === 'reading' ? file.name : undefined}
          over={over}
          onFiles={take}
          onSample={() => run(commands.openSampleModel)}
          onCancel={() => run(commands.cancelModelWork)}
        />
      )}
    </div>
  );
};

/** Commands that can fail for want of a network go through it. */
export type Run = (work: () => Promise<void>) => void;

const EmptyBench = ({
  reading,
  over,
  onFiles,
  onSample,
  onCancel,
}: {
  readonly reading: string | undefined;
  readonly over: boolean;
  readonly onFiles: (files: readonly File[]) => void;
  readonly onSample: () => void;
  readonly onCancel: () => void;
}) => (
  <section className={over ? 'model-drop model-drop-over' : 'model-drop'} aria-labelledby="drop-title">
    <h2 id="drop-title">
      {reading ? `Reading ${reading}…` : over ? 'Let go to open it' : 'Lay a model here'}
    </h2>
    <p className="quiet">
      An .onnx or .safetensors file. If its weights are in files of their own, drop them together with it.
      They stay on this device: nothing is sent anywhere.
    </p>
    <div className="bar">
      {reading ? (
        <Button onClick={onCancel}>Cancel</Button>
      ) : (
        <>
          <FilePicker look="primary" label="Choose a file" onFiles={onFiles} />
          <Button look="plain" onClick={onSample}>
            Try it with the reading model
          </Button>
        </>
      )}
    </div>
  </section>
);

const OpenHead = ({
  name,
  over,
  onFiles,
  onClose,
}: {
  readonly name: string;
  readonly over: boolean;
  readonly onFiles: (files: readonly File[]) => void;
  readonly onClose: () => void;
}) => {
  const title = useRef<HTMLHeadingElement>(null);
  // The button that was pressed is gone: without this the keyboard would start again from the top.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another file is another place
  useEffect(() => {
    if (document.activeElement === document.body) title.current?.focus({ preventScroll: true });
  }, [name]);
  return (
    <div className={over ? 'model-head model-drop-over' : 'model-head'}>
      <h2 ref={title} tabIndex={-1}>
        {over ? 'Let go to open another one' : name}
      </h2>
      <div className="bar">
        <FilePicker look="outline" label="Open another" onFiles={onFiles} />
        <Button look="plain" icon="close" onClick={onClose}>
          Close
        </Button>
      </div>
    </div>
  );
};
