import { type ReactNode, useEffect, useRef } from 'react';

/** One step of a dialog after another: the focus goes along, or the keyboard would start again from nowhere. */
export const DialogStep = ({ name, children }: { readonly name: string; readonly children: ReactNode }) => {
  const body = useRef<HTMLDivElement>(null);
  const shown = useRef(name);
  useEffect(() => {
    if (shown.current === name) return;
    shown.current = name;
    body.current?.focus();
  }, [name]);
  return (
    <div ref={body} className="dialog-step" tabIndex={-1}>
      {children}
    </div>
  );
};
