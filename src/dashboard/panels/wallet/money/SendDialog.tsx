import { type FormEvent, useState } from 'react';
import type { OpenLedgerView, WalletView } from '../../../../app/readModels.ts';
import { useAct } from '../../../hooks/useAct.ts';
import { useApp, useStore } from '../../../hooks/useApp.ts';
import { Button } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { Facts } from '../../../kit/Facts.tsx';
import { Field, TextInput } from '../../../kit/Field.tsx';
import { formatVc, formatVcFigure, shortId } from '../../../kit/format.ts';
import { Notice } from '../../../kit/Notice.tsx';
import { DialogStep } from '../DialogStep.tsx';
import { RecipientField } from '../RecipientField.tsx';
import { type Person, peopleHere, readAccount } from '../words.ts';
import { mostToSend, onItsWay, readAmountToSend, readMemo } from './moneyWords.ts';
import { QrScanner } from './QrScanner.tsx';
import { useCanScan } from './qrReader.ts';

type Draft = { readonly to: string; readonly amount: string; readonly memo: string };
type Payment = { readonly to: string; readonly amount: number; readonly memo: string };
type Step =
  | { readonly step: 'write' | 'scan' }
  | { readonly step: 'confirm' | 'sent'; readonly payment: Payment };

const blank: Draft = { to: '', amount: '', memo: '' };
const titles = { write: 'Send', scan: 'Scan a code', confirm: 'Send this?', sent: 'Signed' } as const;

/** Whom and how much; then what will happen; then what came of it. */
export const SendDialog = ({ onClose }: { readonly onClose: () => void }) => {
  const { models, commands } = useApp();
  const ledger = useStore(models.ledger);
  const peers = useStore(models.peers);
  const [draft, setDraft] = useState<Draft>(blank);
  const [step, setStep] = useState<Step>({ step: 'write' });
  const { busy, error, setError, act } = useAct();
  // The ledger may be closed under an open dialog: then there is nothing to send.
  if (ledger.phase !== 'open') return null;
  const { wallet } = ledger;
  const people = peopleHere(peers, wallet.account);
  const nameOf = (account: string) => people.find((person) => person.account === account)?.name;
  const send = async (payment: Payment) => {
    if (await act(() => commands.sendMoney(payment))) setStep({ step: 'sent', payment });
  };
  return (
    <Dialog title={titles[step.step]} onClose={onClose}>
      <DialogStep name={step.step}>
        {step.step === 'write' ? (
          <WriteStep
            draft={draft}
            wallet={wallet}
            people={people}
            onChange={setDraft}
            onScan={() => setStep({ step: 'scan' })}
            onWritten={(payment) => {
              setError(undefined);
              setStep({ step: 'confirm', payment });
            }}
            onClose={onClose}
          />
        ) : null}
        {step.step === 'scan' ? (
          <QrScanner
            onRead={(text) => {
              setDraft({ ...draft, to: text });
              setStep({ step: 'write' });
            }}
            onCancel={() => setStep({ step: 'write' })}
          />
        ) : null}
        {step.step === 'confirm' ? (
          <ConfirmStep
            payment={step.payment}
            name={nameOf(step.payment.to)}
            wallet={wallet}
            busy={busy}
            error={error}
            onBack={() => setStep({ step: 'write' })}
            onSend={() => void send(step.payment)}
          />
        ) : null}
        {step.step === 'sent' ? (
          <SentStep
            payment={step.payment}
            name={nameOf(step.payment.to)}
            ledger={ledger}
            onAgain={() => {
              setDraft(blank);
              setStep({ step: 'write' });
            }}
            onClose={onClose}
          />
        ) : null}
      </DialogStep>
    </Dialog>
  );
};

type Problems = { readonly [Field in keyof Draft]?: string };

const WriteStep = ({
  draft,
  wallet,
  people,
  onChange,
  onScan,
  onWritten,
  onClose,
}: {
  readonly draft: Draft;
  readonly wallet: WalletView;
  readonly people: readonly Person[];
  readonly onChange: (draft: Draft) => void;
  readonly onScan: () => void;
  readonly onWritten: (payment: Payment) => void;
  readonly onClose: () => void;
}) => {
  const canScan = useCanScan();
  const [problems, setProblems] = useState<Problems>({});
  const set = (change: Partial<Draft>) => {
    onChange({ ...draft, ...change });
    setProblems({});
  };
  const check = (event: FormEvent) => {
    event.preventDefault();
    const to = readAccount(draft.to);
    const amount = readAmountToSend(draft.amount, wallet);
    const memo = readMemo(draft.memo);
    const own = to.ok && to.value === wallet.account;
    if (to.ok && !own && amount.ok && memo.ok)
      return onWritten({ to: to.value, amount: amount.value, memo: memo.value });
    setProblems({
      ...(to.ok ? (own ? { to: 'That is your own account.' } : {}) : { to: to.error }),
      ...(amount.ok ? {} : { amount: amount.error }),
      ...(memo.ok ? {} : { memo: memo.error }),
    });
  };
  const named = readAccount(draft.to);
  const most = mostToSend(wallet);
  return (
    <form className="wallet-form" onSubmit={check} noValidate>
      <RecipientField
        label="To"
        value={draft.to}
        error={problems.to}
        people={people}
        chosen={named.ok ? people.find(({ account }) => account === named.value) : undefined}
        onChange={(to) => set({ to })}
        onScan={canScan ? onScan : undefined}
      />
      <Field
        label="Amount in VC"
        error={problems.amount}
        hint={`You can send ${formatVc(most)} at most; the fee is ${formatVc(wallet.transferFee)} besides.`}
      >
        {(ids) => (
          <div className="recipient-line">
            <TextInput
              {...ids}
              inputMode="decimal"
              autoComplete="off"
              maxLength={40}
              value={draft.amount}
              onChange={(event) => set({ amount: event.currentTarget.value })}
            />
            <Button look="plain" disabled={most === 0} onClick={() => set({ amount: formatVcFigure(most) })}>
              All of it
            </Button>
          </div>
        )}
      </Field>
      <Field
        label="Note (not needed)"
        error={problems.memo}
        hint="Everybody who reads the ledger can read it, for as long as it is kept."
      >
        {(ids) => (
          <TextInput
            {...ids}
            autoComplete="off"
            value={draft.memo}
            onChange={(event) => set({ memo: event.currentTarget.value })}
          />
        )}
      </Field>
      <div className="bar">
        <span className="grow" />
        <Button look="plain" onClick={onClose}>
          Cancel
        </Button>
        <Button look="primary" submit>
          Go on
        </Button>
      </div>
    </form>
  );
};

const ConfirmStep = ({
  payment,
  name,
  wallet,
  busy,
  error,
  onBack,
  onSend,
}: {
  readonly payment: Payment;
  readonly name: string | undefined;
  readonly wallet: WalletView;
  readonly busy: boolean;
  readonly error: string | undefined;
  readonly onBack: () => void;
  readonly onSend: () => void;
}) => {
  const left = wallet.balance - onItsWay(wallet) - payment.amount - wallet.transferFee;
  return (
    <>
      <p className="send-amount">{formatVc(payment.amount)}</p>
      <Facts
        facts={[
          {
            term: 'To',
            value: name ?? <span className="mono">{payment.to}</span>,
            ...(name === undefined ? {} : { hint: <span className="mono">{payment.to}</span> }),
          },
          ...(payment.memo === '' ? [] : [{ term: 'Note', value: payment.memo, hint: 'public' }]),
          { term: 'Fee', value: formatVc(wallet.transferFee), hint: 'to the treasury, where votes decide' },
          { term: 'Left afterwards', value: formatVc(left) },
        ]}
      />
      <p className="quiet small">
        What is final can’t be called back. Compare the id with the other person’s.
      </p>
      {error ? (
        <Notice tone="bad" title="It was not sent.">
          {error}
        </Notice>
      ) : null}
      <div className="bar">
        <Button look="plain" icon="back" onClick={onBack} disabled={busy}>
          Back
        </Button>
        <span className="grow" />
        <Button look="primary" icon="send" onClick={onSend} disabled={busy || left < 0}>
          {busy ? 'Signing…' : `Send ${formatVc(payment.amount)}`}
        </Button>
      </div>
    </>
  );
};

const SentStep = ({
  payment,
  name,
  ledger,
  onAgain,
  onClose,
}: {
  readonly payment: Payment;
  readonly name: string | undefined;
  readonly ledger: OpenLedgerView;
  readonly onAgain: () => void;
  readonly onClose: () => void;
}) => {
  const reachable = ledger.chain.keepers.some(({ connection }) => connection === 'connected');
  return (
    <>
      <Notice
        tone={reachable ? 'good' : 'warn'}
        title={`${reachable ? 'On its way' : 'Waits to be sent'}: ${formatVc(payment.amount)} to ${name ?? `account ${shortId(payment.to)}`}.`}
      >
        {reachable
          ? 'Signed and kept on this device. When the keepers have put it into a block it moves from “On its way” into your history.'
          : 'Signed and kept on this device. No keeper can be reached now; it is sent as soon as one answers, also after a reload.'}
      </Notice>
      <div className="bar">
        <Button look="plain" onClick={onAgain}>
          Send something else
        </Button>
        <span className="grow" />
        <Button look="primary" onClick={onClose}>
          Done
        </Button>
      </div>
    </>
  );
};
