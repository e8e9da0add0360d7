import { useState } from 'react';
import { SpeedBars } from '../../charts/SpeedBars.tsx';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { useNow } from '../../hooks/useNow.ts';
import { Button } from '../../kit/Button.tsx';
import { asSentence, formatAgo, formatPercent } from '../../kit/format.ts';
import { Meter } from '../../kit/Meter.tsx';
import { Notice } from '../../kit/Notice.tsx';

/** Which runtime reads here, and the measurement that decided it. */
export const EngineSection = () => {
  const { models, commands } = useApp();
  const { engine } = useStore(models.self);
  const { wall } = useNow(30_000);
  const [measuring, setMeasuring] = useState(false);
  const { choice } = engine;
  const measuredAt = choice?.measured.reduce((latest, speed) => Math.max(latest, speed.measuredAt), 0) ?? 0;
  const measure = async () => {
    setMeasuring(true);
    await commands.measureSpeed().finally(() => setMeasuring(false));
  };
  return (
    <section className="section" aria-labelledby="engine-title">
      <div className="section-head">
        <h2 id="engine-title">How it reads</h2>
        <Button icon="gauge" onClick={measure} disabled={measuring || engine.phase === 'loading'}>
          {measuring ? 'Measuring…' : choice ? 'Measure again' : 'Measure speed'}
        </Button>
      </div>
      {engine.phase === 'loading' ? (
        <div className="engine-loading">
          <p>Loading the reading models: {formatPercent(engine.progress)}</p>
          <Meter label="Models loaded" value={engine.progress} />
        </div>
      ) : null}
      {engine.phase === 'failed' ? (
        <Notice tone="bad" title="The reading engine stopped.">
          {engine.error ?? 'Reload the page; if it stays, look at Health.'}
        </Notice>
      ) : null}
      {choice ? (
        <>
          <p>
            <strong>{choice.chosen === 'webgpu' ? 'WebGPU' : 'WASM'}</strong> reads here.{' '}
            {asSentence(choice.reason)}
          </p>
          {choice.measured.length > 0 ? (
            <SpeedBars measured={choice.measured} chosen={choice.chosen} />
          ) : null}
          {measuredAt > 0 ? (
            <p className="quiet small">
              Megapixels per second, all workers together; measured {formatAgo(wall - measuredAt)} and kept
              for this runtime version.
            </p>
          ) : null}
        </>
      ) : engine.phase !== 'failed' ? (
        <p className="quiet">
          Not measured yet. It is measured when the first page is read, or now if you like.
        </p>
      ) : null}
    </section>
  );
};
