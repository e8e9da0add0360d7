import type { LedgerView, OpenLedgerView } from '../../../app/readModels.ts';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { useNavigate } from '../../hooks/useNavigation.ts';
import { Button } from '../../kit/Button.tsx';
import { Facts } from '../../kit/Facts.tsx';
import { formatInteger } from '../../kit/format.ts';
import { Meter } from '../../kit/Meter.tsx';
import { Empty, Notice } from '../../kit/Notice.tsx';
import { Tabs } from '../../kit/Tabs.tsx';
import { ExplorerDialog } from './log/ExplorerDialog.tsx';
import { LogTab } from './log/LogTab.tsx';
import { ProofPicker } from './log/ProofPicker.tsx';
import { MarketTab } from './market/MarketTab.tsx';
import { KeyElsewhere } from './money/KeyElsewhere.tsx';
import { MoneyTab } from './money/MoneyTab.tsx';
import { usePlace } from './place.ts';
import { VotesTab } from './votes/VotesTab.tsx';
import './wallet.css';

export const WalletPanel = () => {
  const { models } = useApp();
  const ledger = useStore(models.ledger);
  const place = usePlace();
  // Over both: a proof that is opened may end what was open.
  const mayOpen = ledger.phase === 'open' || ledger.phase === 'forked';
  return (
    <div className="screen wallet">
      <header className="screen-head">
        <div>
          <h1>Wallet</h1>
          <p>Money for work, what work costs, and who decides. This browser checks every step itself.</p>
        </div>
      </header>
      {ledger.phase === 'open' ? <OpenLedger ledger={ledger} /> : <ClosedLedger ledger={ledger} />}
      {mayOpen && place.open !== undefined ? (
        <ExplorerDialog query={place.open} onOpen={place.openHere} onClose={place.closeItem} />
      ) : null}
    </div>
  );
};

const OpenLedger = ({ ledger }: { readonly ledger: OpenLedgerView }) => {
  const { tab, show, openHere } = usePlace();
  return (
    <>
      {ledger.durable ? null : (
        <Notice tone="warn" title="The ledger is kept only as long as this tab.">
          This browser offers no storage (a private window?). What you sign is sent at once, but if the tab
          closes before it is final, nobody sends it again. Use a normal window for money.
        </Notice>
      )}
      {ledger.wallet.key.phase === 'elsewhere' ? <KeyElsewhere /> : null}
      <Tabs
        label="Wallet"
        selected={tab}
        onSelect={show}
        tabs={[
          { key: 'money', label: 'Wallet', content: <MoneyTab ledger={ledger} onOpen={openHere} /> },
          { key: 'market', label: 'Market', content: <MarketTab ledger={ledger} onOpen={openHere} /> },
          { key: 'votes', label: 'Votes', content: <VotesTab ledger={ledger} onOpen={openHere} /> },
          { key: 'log', label: 'Ledger', content: <LogTab ledger={ledger} onOpen={openHere} /> },
        ]}
      />
    </>
  );
};

/** Without an open ledger nothing can be shown for certain, so nothing is shown but why. */
const ClosedLedger = ({ ledger }: { readonly ledger: Exclude<LedgerView, OpenLedgerView> }) => {
  switch (ledger.phase) {
    case 'off':
      return <NoLedger reason={ledger.reason} />;
    case 'opening':
      return <Opening progress={ledger.progress} />;
    case 'forked':
      return <Forked ledger={ledger} />;
    default:
      return ledger satisfies never;
  }
};

const NoLedger = ({ reason }: { readonly reason: string }) => {
  const { models } = useApp();
  const { go } = useNavigate();
  const alone = useStore(models.consent) === 'this-device-only';
  return (
    <Empty
      title={alone ? 'You chose this device only' : 'No wallet here'}
      action={
        alone ? (
          <Button onClick={() => go({ screen: 'device' })}>Change who reads</Button>
        ) : (
          <Button onClick={() => go({ screen: 'swarm' })}>Go to another room</Button>
        )
      }
    >
      {reason} Money needs a ledger that others keep with you. Everything else works without it; receipts of
      your work are kept.
    </Empty>
  );
};

const Opening = ({
  progress,
}: {
  readonly progress: Extract<LedgerView, { phase: 'opening' }>['progress'];
}) => (
  <section className="wallet-opening" aria-labelledby="opening-title">
    <h2 id="opening-title">Checking the ledger</h2>
    <p className="quiet">
      Before this browser shows a balance it checks every block: its keepers’ signatures, every operation, and
      that no money came from nowhere. Next time only what is new.
    </p>
    <Meter
      label="Operations checked"
      value={progress && progress.total > 0 ? progress.done / progress.total : 0}
    />
    <p className="small quiet" role="status">
      {progress
        ? `${formatInteger(progress.done)} of ${formatInteger(progress.total)} operations`
        : 'Asking the keepers where the log stands…'}
    </p>
  </section>
);

const Forked = ({ ledger }: { readonly ledger: Extract<LedgerView, { phase: 'forked' }> }) => {
  const { openHere } = usePlace();
  return (
    <>
      <Notice
        tone="bad"
        title="Two histories of this ledger were signed."
        action={<Button onClick={() => openHere(ledger.proof)}>Open the proof</Button>}
      >
        {ledger.reason} This browser follows neither any more, and nothing can be sent from here.
      </Notice>
      <section className="section" aria-labelledby="forked-title">
        <h2 id="forked-title">What this means</h2>
        <p className="quiet wallet-prose">
          Keepers that sign two histories may show you one and somebody else another. Both signatures are kept
          in this browser: they prove it to everybody. Tell the person who runs this room, and accept no
          payment here until they open a new ledger from the last state that everybody agrees on. Your account
          and its key stay yours.
        </p>
        <Facts
          facts={[
            {
              term: 'Height',
              value: formatInteger(ledger.height),
              hint: 'up to the block before it, all agree',
            },
            { term: 'Your account', value: <span className="mono">{ledger.account}</span> },
          ]}
        />
        <ProofPicker onOpen={openHere} />
      </section>
    </>
  );
};
