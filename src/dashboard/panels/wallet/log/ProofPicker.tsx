import { useId, useRef, useState } from 'react';
import { attempt } from '../../../hooks/attempt.ts';
import { useApp } from '../../../hooks/useApp.ts';
import { Button } from '../../../kit/Button.tsx';

/** A file that somebody gave as proof of two histories: opened if it is one, else said what is wrong with it. */
export const ProofPicker = ({ onOpen }: { readonly onOpen: (item: string) => void }) => {
  const { commands } = useApp();
  const browse = useRef<HTMLInputElement>(null);
  const errorId = useId();
  const [error, setError] = useState<string>();
  const read = async (file: File | undefined) => {
    if (!file) return;
    setError(undefined);
    const item = await attempt(() => commands.readForkProof(file));
    if (item.ok) onOpen(item.value);
    else setError(item.error);
  };
  return (
    <div className="proof-picker">
      <input
        ref={browse}
        className="unseen"
        type="file"
        accept=".json,.cbor,application/json,application/cbor"
        tabIndex={-1}
        aria-label="Proof of two histories"
        onChange={({ currentTarget }) => {
          void read(currentTarget.files?.[0]);
          // The same file may be chosen again after it was closed.
          currentTarget.value = '';
        }}
      />
      <Button
        icon="search"
        aria-describedby={error ? errorId : undefined}
        onClick={() => browse.current?.click()}
      >
        Check a proof from a file
      </Button>
      <p id={errorId} className={error ? 'field-error' : 'quiet small'} role={error ? 'alert' : undefined}>
        {error ??
          'Somebody may hold signatures of two histories: this browser checks them against its own beginning.'}
      </p>
    </div>
  );
};
