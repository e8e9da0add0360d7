import type { FormEvent, ReactNode } from 'react';
import { Button } from '../kit/Button.tsx';
import { Field } from '../kit/Field.tsx';
import './account.css';

/** Where a recovery key is typed or pasted: what it will do stands above it as `children`. */
export const RecoveryKeyForm = ({
  value,
  error,
  hint,
  busy,
  words,
  onChange,
  onKey,
  onClose,
  children,
}: {
  readonly value: string;
  readonly error: string | undefined;
  readonly hint?: string;
  readonly busy: boolean;
  readonly words: { readonly leave: string; readonly go: string; readonly going: string };
  readonly onChange: (value: string) => void;
  /** The key without what stands around it; '' if nothing was typed. */
  readonly onKey: (key: string) => void;
  readonly onClose: () => void;
  readonly children: ReactNode;
}) => (
  <form
    className="account-form"
    onSubmit={(event: FormEvent) => {
      event.preventDefault();
      onKey(value.trim());
    }}
  >
    <p className="quiet">{children}</p>
    <Field label="Recovery key" error={error} hint={hint}>
      {(ids) => (
        <textarea
          {...ids}
          className="input mono"
          rows={4}
          autoComplete="off"
          spellCheck={false}
          value={value}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </Field>
    <div className="bar">
      <span className="grow" />
      <Button look="plain" onClick={onClose}>
        {words.leave}
      </Button>
      <Button look="primary" submit disabled={busy}>
        {busy ? words.going : words.go}
      </Button>
    </div>
  </form>
);

export const noKeyTyped = 'Paste or type the recovery key that you saved.';
