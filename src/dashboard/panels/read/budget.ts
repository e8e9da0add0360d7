import type { StrategyName } from '../../../app/readModels.ts';
import { parseVc } from '../../kit/format.ts';

/** What a typed budget means: nothing typed is a favour asked; words say what is wrong with anything else. */
export const budgetOf = (
  text: string,
): { readonly budget: number | undefined; readonly problem?: string } => {
  if (text.trim() === '') return { budget: undefined };
  const parsed = parseVc(text);
  if (!parsed.ok) return { budget: undefined, problem: parsed.error };
  return parsed.value === 0 ? { budget: undefined } : { budget: parsed.value };
};

export const defaultStrategy: StrategyName = 'balanced';
