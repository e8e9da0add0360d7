import { useEffect, useRef, useState } from 'react';
import type { ExplorerFact, ExplorerItem, Verification } from '../../../../app/readModels.ts';
import type { Result } from '../../../../core/result.ts';
import { attempt } from '../../../hooks/attempt.ts';
import { saveFile } from '../../../hooks/saveFile.ts';
import { useApp } from '../../../hooks/useApp.ts';
import { Button } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { Facts } from '../../../kit/Facts.tsx';
import { Icon } from '../../../kit/Icon.tsx';
import { Notice } from '../../../kit/Notice.tsx';
import { itemFileName, verdictInWords } from './logWords.ts';

type Found =
  | { readonly phase: 'opening' }
  | { readonly phase: 'missing'; readonly reason: string }
  | { readonly phase: 'open'; readonly item: ExplorerItem };

const useLedgerItem = (query: string): Found => {
  const { commands } = useApp();
  const [found, setFound] = useState<Found>({ phase: 'opening' });
  useEffect(() => {
    let current = true;
    // What was open stays until the next is there: a flash of nothing helps nobody.
    void attempt(() => commands.openLedgerItem(query)).then((result) => {
      if (!current) return;
      setFound(
        result.ok ? { phase: 'open', item: result.value } : { phase: 'missing', reason: result.error },
      );
    });
    return () => {
      current = false;
    };
  }, [commands, query]);
  return found;
};

/** One thing of the ledger, field by field, with ways to what belongs to it. */
export const ExplorerDialog = ({
  query,
  onOpen,
  onClose,
}: {
  readonly query: string;
  readonly onOpen: (item: string) => void;
  readonly onClose: () => void;
}) => {
  const found = useLedgerItem(query);
  return (
    <Dialog
      title={found.phase === 'open' ? found.item.title : found.phase === 'opening' ? 'Opening…' : 'Not found'}
      onClose={onClose}
      wide
    >
      {found.phase === 'missing' ? (
        <p className="quiet">
          {found.reason} What is older than this browser keeps can’t be opened here: ask for a proof of it.
        </p>
      ) : null}
      {found.phase === 'open' ? <ItemBody key={found.item.id} item={found.item} onOpen={onOpen} /> : null}
    </Dialog>
  );
};

const ItemBody = ({
  item,
  onOpen,
}: {
  readonly item: ExplorerItem;
  readonly onOpen: (item: string) => void;
}) => {
  const top = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // What is opened from far below begins at its top.
    void top.current?.closest('dialog')?.scrollTo(0, 0);
  }, []);
  return (
    <div ref={top} className="explorer">
      {item.advice ? (
        <Notice tone="warn" title="What to do">
          {item.advice}
        </Notice>
      ) : null}
      <ItemActions item={item} />
      <ItemFacts facts={item.facts} onOpen={onOpen} />
      {item.sides ? (
        <div className="explorer-sides">
          {item.sides.map(({ title, facts }) => (
            <section key={title} aria-label={title}>
              <h3>{title}</h3>
              <ItemFacts facts={facts} onOpen={onOpen} />
            </section>
          ))}
        </div>
      ) : null}
      {item.parts.length > 0 ? (
        <section className="explorer-parts" aria-label="What belongs to it">
          <h3>{partsTitle[item.kind]}</h3>
          <ul className="parts">
            {item.parts.map((part) => (
              <li key={part.item}>
                <button type="button" className="text-link" onClick={() => onOpen(part.item)}>
                  {part.label}
                </button>
                <span className="quiet small">{part.note}</span>
              </li>
            ))}
          </ul>
        </section>
      ) : null}
    </div>
  );
};

const ItemFacts = ({
  facts,
  onOpen,
}: {
  readonly facts: readonly ExplorerFact[];
  readonly onOpen: (item: string) => void;
}) => (
  <Facts
    facts={facts.map(({ term, value, item }) => ({
      term,
      value:
        item === undefined ? (
          <FactText text={value} />
        ) : (
          <button type="button" className="text-link" onClick={() => onOpen(item)}>
            <FactText text={value} />
          </button>
        ),
    }))}
  />
);

const partsTitle: Record<ExplorerItem['kind'], string> = {
  operation: 'What it did',
  block: 'Operations in it',
  account: 'What it did lately',
  proposal: 'What belongs to it',
  order: 'What belongs to it',
  evidence: 'The two messages',
  fork: 'The two blocks',
};

/** Hashes and keys are compared by eye: each sign as wide as the next. */
const FactText = ({ text }: { readonly text: string }) =>
  /^[\w-]{32,}$/.test(text) ? <span className="mono">{text}</span> : text;

type Check =
  | { readonly phase: 'unchecked' | 'checking' }
  | { readonly phase: 'checked'; readonly result: Result<Verification, string> };

const ItemActions = ({ item }: { readonly item: ExplorerItem }) => {
  const { commands, timers } = useApp();
  const [check, setCheck] = useState<Check>({ phase: 'unchecked' });
  const [error, setError] = useState<string>();
  const verify = async () => {
    setCheck({ phase: 'checking' });
    setCheck({ phase: 'checked', result: await attempt(() => commands.verifyLedgerItem(item.id)) });
  };
  const save = async (format: 'json' | 'cbor') => {
    const file = await attempt(() => commands.exportLedgerItem(item.id, format));
    setError(file.ok ? undefined : file.error);
    if (file.ok) saveFile(timers, file.value, itemFileName(item.kind, item.id, format));
  };
  return (
    <>
      <div className="bar">
        <Button
          look="primary"
          icon="check"
          onClick={() => void verify()}
          disabled={check.phase === 'checking'}
        >
          {check.phase === 'checking' ? 'Verifying…' : 'Verify here'}
        </Button>
        <Button icon="download" onClick={() => void save('json')}>
          JSON
        </Button>
        <Button icon="download" onClick={() => void save('cbor')}>
          CBOR
        </Button>
      </div>
      {error ? (
        <Notice tone="bad" title="It could not be saved.">
          {error}
        </Notice>
      ) : null}
      <div role="status">
        {check.phase === 'checked' ? <Verdict kind={item.kind} result={check.result} /> : null}
      </div>
    </>
  );
};

const Verdict = ({
  kind,
  result,
}: {
  readonly kind: ExplorerItem['kind'];
  readonly result: Result<Verification, string>;
}) => {
  if (!result.ok)
    return (
      <Notice tone="bad" title="It could not be checked.">
        {result.error}
      </Notice>
    );
  const { steps, holds } = result.value;
  const { title, text } = verdictInWords(kind, holds);
  return (
    <div className={holds ? 'verdict verdict-good' : 'verdict verdict-bad'}>
      <p>
        <strong>{title}</strong> {text}
      </p>
      <ol>
        {steps.map((step) => (
          <li key={step.what} className={step.holds ? 'step-good' : 'step-bad'}>
            <Icon name={step.holds ? 'check' : 'bad'} size={18} />
            <div>
              {step.what}
              <span className="unseen">{step.holds ? ': holds' : ': does not hold'}</span>
              <span className="row-note">{step.detail}</span>
            </div>
          </li>
        ))}
      </ol>
    </div>
  );
};
