import { useEffect, useState } from 'react';
import type { ReadingEstimate, StrategyName } from '../../../app/readModels.ts';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { Field, Segmented, TextInput } from '../../kit/Field.tsx';
import { formatVc } from '../../kit/format.ts';
import { budgetOf } from './budget.ts';
import { type EstimateWords, estimateInWords, shortfallInWords, strategies } from './budgetWords.ts';

/** A budget for those who read: only where there is money to give, and somebody else to give it to. */
export const Budget = ({
  text,
  onText,
  strategy,
  onStrategy,
  pages,
}: {
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly strategy: StrategyName;
  readonly onStrategy: (strategy: StrategyName) => void;
  readonly pages: number;
}) => {
  const { models } = useApp();
  const ledger = useStore(models.ledger);
  const estimate = useEstimate(pages);
  if (ledger.phase !== 'open' || ledger.wallet.key.phase === 'elsewhere') return null;
  const { balance } = ledger.wallet;
  if (balance === 0) return null;
  const { problem, budget } = budgetOf(text);
  const shortfall = budget === undefined ? undefined : shortfallInWords(budget, balance, estimate);
  const sentence = strategies.find(({ name }) => name === strategy)?.sentence;
  return (
    <div className="budget">
      {estimate ? <Estimate {...estimateInWords(estimate, pages)} /> : null}
      <Field
        label="Budget in VC"
        hint={
          shortfall ? (
            <strong>{shortfall}</strong>
          ) : (
            `Set aside until the job ends; workers of other accounts are paid from it, and the rest comes back. You have ${formatVc(balance)}.`
          )
        }
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
      {budget === undefined ? null : (
        <div className="budget-strategy">
          <span>Who is asked first</span>
          <Segmented
            label="Who is asked first"
            value={strategy}
            onChange={onStrategy}
            options={strategies.map(({ name, label }) => ({ value: name, label }))}
          />
          <p className="small quiet" role="status">
            {sentence}
          </p>
        </div>
      )}
    </div>
  );
};

const Estimate = ({ headline, basis }: EstimateWords) => (
  <div>
    <p>
      <strong>{headline}</strong>
    </p>
    <p className="small quiet">{basis}</p>
  </div>
);

/** Asked anew when there are more pages, or the ledger says something new. */
const useEstimate = (pages: number): ReadingEstimate | undefined => {
  const { models, commands } = useApp();
  const ledger = useStore(models.ledger);
  const epoch = ledger.phase === 'open' ? ledger.epoch.number : undefined;
  const jobs = useStore(models.jobs);
  const [estimate, setEstimate] = useState<ReadingEstimate>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new epoch has a new price, a job that ended has measured pages
  useEffect(() => {
    let current = true;
    void commands.estimateReading(pages).then((answer) => {
      if (current) setEstimate(answer.ok ? answer.value : undefined);
    });
    return () => {
      current = false;
    };
  }, [commands, pages, epoch, jobs]);
  return estimate;
};
