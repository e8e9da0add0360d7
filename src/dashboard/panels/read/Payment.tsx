import type { JobPaymentView, Party } from '../../../app/readModels.ts';
import type { JobId } from '../../../core/brand.ts';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { type Fact, Facts } from '../../kit/Facts.tsx';
import { asSentence, formatPercent, formatVc } from '../../kit/format.ts';
import { PeerName } from '../../kit/Lantern.tsx';
import { rangeInWords, strategies, strategyLabel } from './budgetWords.ts';

/** How a job with a budget was paid: what it was expected to cost, whom the strategy chose and why, and what each got. */
export const Payment = ({ job }: { readonly job: JobId }) => {
  const { models } = useApp();
  const ledger = useStore(models.ledger);
  const payment = ledger.phase === 'open' ? ledger.market.payments.find((one) => one.job === job) : undefined;
  if (!payment) return null;
  const { chosen, others, leftOut, nobody } = payment;
  return (
    <section className="section" aria-labelledby="payment-title">
      <h2 id="payment-title">What it cost</h2>
      <Facts facts={factsOf(payment)} />
      {nobody === undefined ? null : (
        <p className="small quiet">Nobody could be chosen beforehand: {asSentence(nobody)}</p>
      )}
      <ul className="payees" aria-label="Chosen and paid">
        {chosen.map(({ who, part, why, paid }) => (
          <Payee
            key={who.account}
            who={who}
            paid={paid}
            note={`Meant to do ${formatPercent(part / 1_000)}: ${why}`}
          />
        ))}
        {others.map(({ who, paid }) => (
          <Payee key={who.account} who={who} paid={paid} note="Not chosen beforehand: it helped out" />
        ))}
        {leftOut
          .filter(({ who }) => !others.some((other) => other.who.account === who.account))
          .map(({ who, why }) => (
            <Payee key={who.account} who={who} paid={undefined} note={`Left out: ${why}`} />
          ))}
      </ul>
    </section>
  );
};

const Payee = ({
  who,
  paid,
  note,
}: {
  readonly who: Party;
  readonly paid: number | undefined;
  readonly note: string;
}) => {
  const { models } = useApp();
  const here = useStore(models.peers).find(({ status }) => status.account === who.account);
  const name = who.name ?? here?.status.name ?? `${who.account.slice(0, 8)}…`;
  return (
    <li>
      <PeerName peer={here?.status.peer ?? who.account} name={name} size={20} />
      <span className="number">{paid === undefined ? '–' : formatVc(paid)}</span>
      <span className="small quiet">{note}</span>
    </li>
  );
};

const factsOf = ({ estimate, paid, locked, phase, strategy }: JobPaymentView): readonly Fact[] => [
  {
    term: 'Paid',
    value: formatVc(paid),
    hint: `of ${formatVc(locked)} set aside. ${phaseInWords[phase]}`,
  },
  {
    term: 'Estimated',
    value: estimate ? rangeInWords(estimate.least, estimate.most) : 'not known beforehand',
    hint: estimate
      ? `if others had read all of it, from ${estimate.measured === 1 ? 'one page' : `${estimate.measured} pages`} read before`
      : 'no page had been read here',
  },
  {
    term: 'Asked first',
    value: strategyLabel(strategy),
    hint: strategies.find(({ name }) => name === strategy)?.sentence,
  },
];

const phaseInWords: Readonly<Record<JobPaymentView['phase'], string>> = {
  open: 'Workers are paid when the job ends.',
  settled: 'The rest comes back when workers had time to object.',
  closed: 'The rest has come back.',
};
