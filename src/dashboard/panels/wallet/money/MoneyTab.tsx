import { useState } from 'react';
import type { OpenLedgerView, WalletView } from '../../../../app/readModels.ts';
import { Button } from '../../../kit/Button.tsx';
import { Figure } from '../../../kit/Facts.tsx';
import { formatVc, formatVcFigure } from '../../../kit/format.ts';
import { Notice } from '../../../kit/Notice.tsx';
import { PublicWorkSection } from '../PublicWorkSection.tsx';
import { HistorySection } from './HistorySection.tsx';
import { onItsWay } from './moneyWords.ts';
import { PendingSection } from './PendingSection.tsx';
import { ReceiveDialog } from './ReceiveDialog.tsx';
import { SendDialog } from './SendDialog.tsx';
import './money.css';

export const MoneyTab = ({
  ledger,
  onOpen,
}: {
  readonly ledger: OpenLedgerView;
  readonly onOpen: (item: string) => void;
}) => {
  const { wallet } = ledger;
  const [dialog, setDialog] = useState<'send' | 'receive'>();
  const close = () => setDialog(undefined);
  const receive = () => setDialog('receive');
  return (
    <div className="wallet-tab">
      {wallet.key.phase === 'unopened' ? (
        <Notice icon="key" title="This wallet was not used yet.">
          You can be paid at once. The first thing that you sign here opens it and makes this device the one
          that signs for your account; you need not do anything for that.
        </Notice>
      ) : null}
      <Purse wallet={wallet} onSend={() => setDialog('send')} onReceive={receive} />
      <PendingSection pending={wallet.pending} />
      <PublicWorkSection />
      <HistorySection history={wallet.history} onOpen={onOpen} onReceive={receive} />
      {dialog === 'send' ? <SendDialog onClose={close} /> : null}
      {dialog === 'receive' ? <ReceiveDialog account={wallet.account} onClose={close} /> : null}
    </div>
  );
};

const Purse = ({
  wallet,
  onSend,
  onReceive,
}: {
  readonly wallet: WalletView;
  readonly onSend: () => void;
  readonly onReceive: () => void;
}) => {
  const leaving = onItsWay(wallet);
  return (
    <section className="purse" aria-label="Balance">
      <div className="purse-main">
        <p className="purse-balance">
          <span className="figure-label">Balance</span>
          <span className="purse-figure">
            {formatVcFigure(wallet.balance)} <span className="purse-unit">VC</span>
          </span>
          {leaving > 0 ? <span className="quiet small">{formatVc(leaving)} of it on the way out</span> : null}
        </p>
        <div className="bar">
          <Button look="primary" icon="send" onClick={onSend} disabled={wallet.key.phase === 'elsewhere'}>
            Send
          </Button>
          <Button icon="qr" onClick={onReceive}>
            Receive
          </Button>
        </div>
      </div>
      <div className="purse-rest">
        <Figure
          label="Not vested yet"
          value={formatVc(wallet.unvested)}
          hint="Earned by public work; paid out after further accepted work."
        />
        <Figure
          label="Locked"
          value={formatVc(wallet.locked)}
          hint="In your own orders and deposits, until they end."
        />
      </div>
    </section>
  );
};
