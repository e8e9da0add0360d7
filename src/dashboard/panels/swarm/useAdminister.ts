import { useState } from 'react';
import type { Administration } from '../../../app/readModels.ts';
import { attempt } from '../../hooks/attempt.ts';
import { useApp } from '../../hooks/useApp.ts';
import { useNotify } from '../../hooks/useNotify.ts';

/** An administrative act at the press of a button: says what came of it, and offers the way back where there is one. */
export const useAdminister = () => {
  const { commands } = useApp();
  const notify = useNotify();
  const [busy, setBusy] = useState(false);
  const run = async (act: Administration, done: string, undo?: Administration): Promise<boolean> => {
    setBusy(true);
    const result = await attempt(() => commands.administer(act));
    setBusy(false);
    if (!result.ok) notify({ text: result.error, tone: 'bad' });
    else
      notify({
        text: done,
        ...(undo ? { action: { label: 'Undo', run: () => void run(undo, 'Undone.') } } : {}),
      });
    return result.ok;
  };
  return { busy, run };
};
