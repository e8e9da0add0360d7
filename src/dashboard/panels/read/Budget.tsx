import type { OpenLedgerView } from '../../../app/readModels.ts';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { Field, TextInput } from '../../kit/Field.tsx';
import { formatCount, formatVc, parseVc } from '../../kit/format.ts';

/** What a typed budget means: nothing typed is a favour asked; words say what is wrong with anything else. */
export const budgetOf = (
  text: string,
): { readonly budget: number | undefined; readonly problem?: string } => {
  if (text.trim() === '') return { budget: undefined };
  const parsed = parseVc(text);
  if (!parsed.ok) return { budget: undefined, problem: parsed.error };
  return parsed.value === 0 ? { budget: undefined } : { budget: parsed.value };
};

/** A page of ordinary print costs about so much; the market counts what was really done. */
const costOfPage = 4_000;

/** A budget for those who read: only where there is money to give, and somebody else to give it to. */
export const Budget = ({
  text,
  onText,
  pages,
}: {
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly pages: number;
}) => {
  const { models } = useApp();
  const ledger = useStore(models.ledger);
  if (ledger.phase !== 'open' || ledger.wallet.key.phase === 'elsewhere') return null;
  if (ledger.wallet.balance === 0) return null;
  const { problem, budget } = budgetOf(text);
  return (
    <div className="budget">
      <Field
        label="Budget in VC"
        hint={hintOf(ledger, pages, budget)}
        {...(problem === undefined ? {} : { error: problem })}
      >
        {(ids) => (
          <TextInput
            {...ids}
            inputMode="decimal"
            autoComplete="off"
            placeholder="none: ask as a favour"
            value={text}
            onChange={(event) => onText(event.currentTarget.value)}
          />
        )}
      </Field>
    </div>
  );
};

const hintOf = ({ wallet, market }: OpenLedgerView, pages: number, budget: number | undefined): string => {
  const price = market.classes.find((one) => one.class === 'ocr')?.price ?? 0;
  const expected = Math.ceil((pages * costOfPage * price) / 1_000_000);
  const has = `You have ${formatVc(wallet.balance)}.`;
  if (budget === undefined)
    return `${formatCount(pages, 'page')} cost about ${formatVc(expected)} at today’s price. ${has}`;
  if (budget > wallet.balance) return `That is more than there is. ${has}`;
  return `Set aside until the job ends; workers of other accounts are paid from it, and the rest comes back. ${has}`;
};
