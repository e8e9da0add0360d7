import { type ReactNode, useCallback, useEffect, useRef, useState } from 'react';
import { milliseconds } from '../../core/brand.ts';
import { useApp } from '../hooks/useApp.ts';
import { NotifyContext, type Toast } from '../hooks/useNotify.ts';
import { Button, IconButton } from '../kit/Button.tsx';

const shownFor = milliseconds(10_000);

type Shown = { readonly id: number; readonly toast: Toast };

/** Short messages at the edge; they leave by themselves, and leaving without the action runs `onExpire` once. */
export const Toasts = ({ children }: { readonly children: ReactNode }) => {
  const { timers } = useApp();
  const [shown, setShown] = useState<readonly Shown[]>([]);
  const pending = useRef(new Map<number, { readonly toast: Toast; readonly stop: () => void }>());
  const nextId = useRef(0);

  const leave = useCallback((id: number, acted: boolean) => {
    const entry = pending.current.get(id);
    if (!entry) return;
    pending.current.delete(id);
    entry.stop();
    setShown((list) => list.filter((item) => item.id !== id));
    if (!acted) entry.toast.onExpire?.();
  }, []);

  const notify = useCallback(
    (toast: Toast) => {
      const id = nextId.current++;
      pending.current.set(id, { toast, stop: timers.after(shownFor, () => leave(id, false)) });
      setShown((list) => [...list, { id, toast }]);
    },
    [timers, leave],
  );

  // A page that goes away can't be asked to undo any more: what waits takes effect now.
  useEffect(() => {
    const settle = () => {
      for (const id of [...pending.current.keys()]) leave(id, false);
    };
    window.addEventListener('pagehide', settle);
    return () => {
      window.removeEventListener('pagehide', settle);
      settle();
    };
  }, [leave]);

  return (
    <NotifyContext value={notify}>
      {children}
      <section className="toasts" aria-label="Messages" aria-live="polite">
        {shown.map(({ id, toast }) => (
          <div key={id} className={toast.tone === 'bad' ? 'toast toast-bad' : 'toast'}>
            <span>{toast.text}</span>
            {toast.action ? (
              <Button
                look="plain"
                onClick={() => {
                  leave(id, true);
                  toast.action?.run();
                }}
              >
                {toast.action.label}
              </Button>
            ) : null}
            <IconButton icon="close" label="Dismiss" onClick={() => leave(id, false)} />
          </div>
        ))}
      </section>
    </NotifyContext>
  );
};
