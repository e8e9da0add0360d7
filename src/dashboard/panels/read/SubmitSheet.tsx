import { lazy, type ReactNode, Suspense, useCallback, useRef, useState } from 'react';
import { err } from '../../../core/result.ts';
import { mayUseRoom } from '../../account/consents.ts';
import { attempt } from '../../hooks/attempt.ts';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { useFileDrop } from '../../hooks/useFileDrop.ts';
import { useNavigate } from '../../hooks/useNavigation.ts';
import { useNotify } from '../../hooks/useNotify.ts';
import { useFileUrls } from '../../hooks/usePageImage.ts';
import { Button, IconButton } from '../../kit/Button.tsx';
import { formatCount } from '../../kit/format.ts';
import { Icon } from '../../kit/Icon.tsx';
import { Notice } from '../../kit/Notice.tsx';
import { Audience } from './Audience.tsx';
import { budgetOf, defaultStrategy } from './budget.ts';
import { splitImages } from './jobWords.ts';

// Only who has something to spend sees it.
const Budget = lazy(async () => ({ default: (await import('./Budget.tsx')).Budget }));

/** Where pages are laid down: first collected here, then, told who will see them, sent. */
export const SubmitSheet = () => {
  const { models, commands } = useApp();
  const { go } = useNavigate();
  const notify = useNotify();
  const consent = useStore(models.consent);
  const [files, setFiles] = useState<readonly File[]>([]);
  const [alone, setAlone] = useState(false);
  const [budgetText, setBudgetText] = useState('');
  const [strategy, setStrategy] = useState(defaultStrategy);
  const [busy, setBusy] = useState<'sending' | 'samples'>();
  const [error, setError] = useState<string>();

  const add = useCallback(
    (list: readonly File[]) => {
      const { images, others } = splitImages(list);
      if (others.length > 0)
        notify({
          text: `${formatCount(others.length, 'file')} left out: only images can be read.`,
          tone: 'bad',
        });
      setError(undefined);
      setFiles((current) => [...current, ...images]);
    },
    [notify],
  );
  const over = useFileDrop(add);

  const addSamples = async () => {
    setBusy('samples');
    try {
      add(await commands.loadSamples());
    } catch (cause) {
      setError(
        `The sample pages could not be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
      );
    }
    setBusy(undefined);
  };

  const withRoom = !alone && mayUseRoom(consent);
  const { budget, problem } = withRoom ? budgetOf(budgetText) : { budget: undefined };

  const send = async () => {
    if (problem !== undefined) return setError(problem);
    setBusy('sending');
    const result = await attempt(async () => {
      const answer = await commands.submitImages(files, withRoom ? 'room' : 'alone', budget, strategy);
      return answer.ok ? answer : err(answer.error.message);
    });
    setBusy(undefined);
    if (!result.ok) return setError(result.error);
    setFiles([]);
    setBudgetText('');
    go({ screen: 'read', item: result.value });
  };

  return (
    <section className={over ? 'sheet sheet-over' : 'sheet'} aria-labelledby="sheet-title">
      {files.length === 0 ? (
        <div className="sheet-empty">
          <h1 id="sheet-title">{over ? 'Let go to add them' : 'Lay your pages here'}</h1>
          <p className="quiet">
            Drop photos, scans or screenshots, or paste them. PNG, JPEG and WebP; nothing is sent until you
            say so.
          </p>
          <Pickers onFiles={add}>
            <Button look="plain" onClick={addSamples} disabled={busy !== undefined}>
              {busy === 'samples' ? 'Fetching samples…' : 'Try sample pages'}
            </Button>
          </Pickers>
        </div>
      ) : (
        <div className="sheet-tray">
          <div className="section-head">
            <h1 id="sheet-title">{formatCount(files.length, 'page')} to read</h1>
            <Pickers onFiles={add} compact />
          </div>
          <Tray files={files} onRemove={(index) => setFiles(files.filter((_, at) => at !== index))} />
        </div>
      )}
      {error ? (
        <Notice tone="bad" title="Not sent.">
          {error}
        </Notice>
      ) : null}
      <div className="sheet-foot">
        <Audience alone={alone} onAlone={setAlone} />
        {files.length > 0 && withRoom ? (
          <Suspense>
            <Budget
              text={budgetText}
              onText={setBudgetText}
              strategy={strategy}
              onStrategy={setStrategy}
              pages={files.length}
            />
          </Suspense>
        ) : null}
        {files.length > 0 ? (
          <div className="bar">
            <Button look="plain" onClick={() => setFiles([])}>
              Clear
            </Button>
            <Button look="primary" onClick={send} disabled={busy !== undefined} autoFocus>
              {busy === 'sending'
                ? budget === undefined
                  ? 'Sending…'
                  : 'Setting the budget aside…'
                : `Read ${formatCount(files.length, 'page')}`}
            </Button>
          </div>
        ) : null}
      </div>
    </section>
  );
};

const Pickers = ({
  onFiles,
  compact = false,
  children,
}: {
  readonly onFiles: (files: readonly File[]) => void;
  readonly compact?: boolean;
  readonly children?: ReactNode;
}) => {
  const browse = useRef<HTMLInputElement>(null);
  const camera = useRef<HTMLInputElement>(null);
  const take = (input: HTMLInputElement) => {
    onFiles([...(input.files ?? [])]);
    // The same file may be chosen again after it was taken out.
    input.value = '';
  };
  return (
    <div className="bar pickers">
      <input
        ref={browse}
        className="unseen"
        type="file"
        accept="image/*"
        multiple
        tabIndex={-1}
        aria-label="Image files"
        onChange={(event) => take(event.currentTarget)}
      />
      <input
        ref={camera}
        className="unseen"
        type="file"
        accept="image/*"
        capture="environment"
        tabIndex={-1}
        aria-label="Photo"
        onChange={(event) => take(event.currentTarget)}
      />
      <Button
        look={compact ? 'plain' : 'primary'}
        icon={compact ? 'plus' : 'image'}
        onClick={() => browse.current?.click()}
      >
        {compact ? 'Add images' : 'Choose images'}
      </Button>
      <Button
        look={compact ? 'plain' : 'outline'}
        icon="camera"
        className="touch-only"
        onClick={() => camera.current?.click()}
      >
        Take a photo
      </Button>
      {children}
    </div>
  );
};

const Tray = ({
  files,
  onRemove,
}: {
  readonly files: readonly File[];
  readonly onRemove: (index: number) => void;
}) => {
  const urls = useFileUrls(files);
  return (
    <ul className="tray" aria-label="Pages to read">
      {files.map((file, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the same file may lie here twice
        <li key={`${index}-${file.name}`}>
          <div className="tray-page">
            {urls[index] ? <img src={urls[index]} alt="" decoding="async" /> : <Icon name="image" />}
          </div>
          <span className="clip small">{file.name}</span>
          <IconButton icon="close" label={`Take out ${file.name}`} onClick={() => onRemove(index)} />
        </li>
      ))}
    </ul>
  );
};
