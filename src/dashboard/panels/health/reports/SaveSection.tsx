import { useRef, useState } from 'react';
import type { LoadReport, SaveFormat } from '../../../../app/telemetryView.ts';
import { ok } from '../../../../core/result.ts';
import { saveBytes } from '../../../hooks/saveFile.ts';
import { useAct } from '../../../hooks/useAct.ts';
import { useApp, useStore } from '../../../hooks/useApp.ts';
import { Button } from '../../../kit/Button.tsx';
import { Segmented, Switch } from '../../../kit/Field.tsx';
import { Notice } from '../../../kit/Notice.tsx';
import { formatNames, loadedInWords } from './reportWords.ts';

const formats: readonly SaveFormat[] = ['json', 'cbor', 'sqlite'];
const shownLosses = 8;

/** All that was measured, as a file and back. */
export const SaveSection = () => {
  const { models, commands, timers } = useApp();
  const { points } = useStore(models.telemetry.analytics);
  const [format, setFormat] = useState<SaveFormat>('json');
  const [compress, setCompress] = useState(true);
  const [doing, setDoing] = useState<'save' | 'load'>();
  const [loaded, setLoaded] = useState<LoadReport>();
  const { busy, error, act } = useAct();
  const picker = useRef<HTMLInputElement>(null);
  const save = async () => {
    setDoing('save');
    setLoaded(undefined);
    await act(async () => {
      const file = await commands.saveAnalytics(format, compress);
      if (!file.ok) return file;
      saveBytes(timers, file.value);
      return ok(undefined);
    });
  };
  const load = async (file: File) => {
    setDoing('load');
    setLoaded(undefined);
    await act(async () => {
      const report = await commands.loadAnalytics(file);
      if (!report.ok) return report;
      setLoaded(report.value);
      return ok(undefined);
    });
  };
  return (
    <section className="section" aria-labelledby="save-title">
      <h2 id="save-title">All that was measured, as a file</h2>
      <p className="quiet">To keep it longer than this browser does, or to look at it with other tools.</p>
      <Segmented
        label="Format of the file"
        value={format}
        onChange={setFormat}
        options={formats.map((value) => ({ value, label: formatNames[value] }))}
      />
      <Switch
        label="Compressed"
        checked={compress}
        onChange={setCompress}
        hint="Smaller; unpacked when it is loaded. SQLite’s own tools need it without."
      />
      <div className="bar">
        <Button icon="download" onClick={() => void save()} disabled={busy || points === 0}>
          {busy && doing === 'save' ? 'Writing…' : 'Save'}
        </Button>
        <Button onClick={() => picker.current?.click()} disabled={busy}>
          {busy && doing === 'load' ? 'Reading…' : 'Load a file'}
        </Button>
        <input
          ref={picker}
          type="file"
          className="unseen"
          tabIndex={-1}
          aria-label="A file of measurements"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            event.currentTarget.value = '';
            if (file) void load(file);
          }}
        />
      </div>
      {busy ? (
        <p className="small quiet" role="status">
          {doing === 'load'
            ? 'Reading and checking the file; what is here stays.'
            : 'Putting everything together…'}
        </p>
      ) : null}
      {error ? (
        <Notice tone="bad" title={doing === 'load' ? 'Nothing was loaded.' : 'Nothing was saved.'}>
          {error}
        </Notice>
      ) : null}
      {loaded ? (
        <Notice tone={loaded.lost.length > 0 ? 'warn' : 'good'} title={loadedInWords(loaded)}>
          {loaded.lost.length > 0 ? (
            <>
              Damaged and left out:
              <ul className="evidence">
                {loaded.lost.slice(0, shownLosses).map((line) => (
                  <li key={line}>{line}</li>
                ))}
              </ul>
              {loaded.lost.length > shownLosses ? `And ${loaded.lost.length - shownLosses} more.` : null}
            </>
          ) : (
            'Nothing of it was damaged.'
          )}
        </Notice>
      ) : null}
    </section>
  );
};
