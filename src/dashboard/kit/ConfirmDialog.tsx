import type { ReactNode } from 'react';
import type { Result } from '../../core/result.ts';
import { useAct } from '../hooks/useAct.ts';
import { useNotify } from '../hooks/useNotify.ts';
import { Button } from './Button.tsx';
import { Dialog } from './Dialog.tsx';
import { type Fact, Facts } from './Facts.tsx';
import { Notice } from './Notice.tsx';

/** Says what will happen before it does. */
export const ConfirmDialog = ({
  title,
  children,
  facts,
  confirm,
  cancel = 'Not now',
  danger = false,
  working = 'Signing…',
  done,
  onConfirm,
  onClose,
}: {
  readonly title: string;
  readonly children?: ReactNode;
  readonly facts: readonly Fact[];
  readonly confirm: string;
  readonly cancel?: string;
  readonly danger?: boolean;
  /** On the button while it happens. */
  readonly working?: string;
  /** Said when it was kept. */
  readonly done: string;
  readonly onConfirm: () => Promise<Result<void, string>>;
  readonly onClose: () => void;
}) => {
  const notify = useNotify();
  const { busy, error, act } = useAct();
  const go = async () => {
    if (!(await act(onConfirm))) return;
    onClose();
    notify({ text: done });
  };
  return (
    <Dialog title={title} onClose={onClose}>
      {children ? <p className="quiet">{children}</p> : null}
      <Facts facts={facts} />
      {error ? (
        <Notice tone="bad" title="That did not work.">
          {error}
        </Notice>
      ) : null}
      <div className="bar">
        <span className="grow" />
        <Button look="plain" onClick={onClose}>
          {cancel}
        </Button>
        <Button look={danger ? 'danger' : 'primary'} onClick={() => void go()} disabled={busy}>
          {busy ? working : confirm}
        </Button>
      </div>
    </Dialog>
  );
};
