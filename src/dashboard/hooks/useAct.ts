import { useState } from 'react';
import type { Result } from '../../core/result.ts';
import { attempt } from './attempt.ts';

/** A command behind a form: whether it runs, and why it was refused. */
export const useAct = () => {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const act = async (run: () => Promise<Result<void, string>>): Promise<boolean> => {
    setBusy(true);
    setError(undefined);
    const result = await attempt(run);
    setBusy(false);
    if (!result.ok) setError(result.error);
    return result.ok;
  };
  return { busy, error, setError, act };
};
