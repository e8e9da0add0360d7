import { type FormEvent, useState } from 'react';
import type { MarketClassView, OfferView } from '../../../../app/readModels.ts';
import { useAct } from '../../../hooks/useAct.ts';
import { useApp } from '../../../hooks/useApp.ts';
import { useNotify } from '../../../hooks/useNotify.ts';
import { Button } from '../../../kit/Button.tsx';
import { Field, TextInput } from '../../../kit/Field.tsx';
import { formatCount, formatVc, formatVcFigure, parseVc } from '../../../kit/format.ts';
import { Notice } from '../../../kit/Notice.tsx';
import { readWhole } from '../words.ts';
import { className, costAtPrice } from './marketWords.ts';

/** What this account would do for others, and from which price on. */
export const OfferForm = ({
  market,
  own,
  canSign,
}: {
  readonly market: MarketClassView;
  readonly own: OfferView | undefined;
  readonly canSign: boolean;
}) => {
  const { commands } = useApp();
  const notify = useNotify();
  const [capacity, setCapacity] = useState(own ? String(own.capacity) : '');
  const [price, setPrice] = useState(formatVcFigure(own?.minPrice ?? market.price));
  const [problems, setProblems] = useState<{ readonly capacity?: string; readonly price?: string }>({});
  const { busy, error, act } = useAct();
  const put = async (amount: number, minPrice: number, done: string) => {
    if (await act(() => commands.offerWork({ class: market.class, capacity: amount, minPrice })))
      notify({ text: done });
  };
  const offer = (event: FormEvent) => {
    event.preventDefault();
    const amount = readOffered(capacity);
    const least = parseVc(price);
    setProblems({
      ...(amount.ok ? {} : { capacity: amount.error }),
      ...(least.ok ? {} : { price: least.error }),
    });
    if (amount.ok && least.ok)
      void put(amount.value, least.value, 'Signed: your offer stands when it is final.');
  };
  const amount = readOffered(capacity);
  return (
    <section className="section" aria-labelledby="own-offer-title">
      <h2 id="own-offer-title">Your offer</h2>
      <p className="quiet">
        {own
          ? `You offer ${formatCount(own.capacity, 'unit')} per epoch from ${formatVc(own.minPrice)} per million.`
          : 'You offer none of this work now.'}{' '}
        You are paid the price of the epoch; while it is below what you write here, jobs with a budget don’t
        ask you.
      </p>
      <form className="wallet-form" onSubmit={offer} noValidate>
        <div className="form-pair">
          <Field
            label="Units per epoch"
            error={problems.capacity}
            hint={
              amount.ok
                ? `At today’s price ${formatVc(costAtPrice(amount.value, market.price))} per epoch, less fees.`
                : 'As much as your devices can do in an epoch.'
            }
          >
            {(ids) => (
              <TextInput
                {...ids}
                inputMode="numeric"
                autoComplete="off"
                maxLength={24}
                value={capacity}
                onChange={(event) => setCapacity(event.currentTarget.value)}
              />
            )}
          </Field>
          <Field
            label="Least price, VC per million"
            error={problems.price}
            hint={`The price is ${formatVc(market.price)} now.`}
          >
            {(ids) => (
              <TextInput
                {...ids}
                inputMode="decimal"
                autoComplete="off"
                maxLength={40}
                value={price}
                onChange={(event) => setPrice(event.currentTarget.value)}
              />
            )}
          </Field>
        </div>
        {error ? (
          <Notice tone="bad" title="That did not work.">
            {error}
          </Notice>
        ) : null}
        <div className="bar">
          <Button look="primary" submit disabled={busy || !canSign}>
            {own ? 'Change the offer' : `Offer ${className(market.class).toLocaleLowerCase('en')}`}
          </Button>
          {own ? (
            <Button
              look="plain"
              disabled={busy || !canSign}
              onClick={() => void put(0, own.minPrice, 'Signed: your offer ends when that is final.')}
            >
              Withdraw it
            </Button>
          ) : null}
        </div>
      </form>
    </section>
  );
};

/** Zero would withdraw: that has a button of its own. */
const readOffered = (text: string): ReturnType<typeof readWhole> => {
  const read = readWhole(text);
  return read.ok && read.value === 0
    ? { ok: false, error: 'Write how many units you offer, above zero.' }
    : read;
};
