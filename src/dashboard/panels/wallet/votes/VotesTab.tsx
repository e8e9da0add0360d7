import { useState } from 'react';
import type { GovernanceView, OpenLedgerView } from '../../../../app/readModels.ts';
import { Button } from '../../../kit/Button.tsx';
import { Figure } from '../../../kit/Facts.tsx';
import { formatPercent, formatVc } from '../../../kit/format.ts';
import { Gauge } from '../../../kit/Gauge.tsx';
import { Empty } from '../../../kit/Notice.tsx';
import { PartyName } from '../PartyName.tsx';
import { DelegateDialog } from './DelegateDialog.tsx';
import { ParameterTable } from './ParameterTable.tsx';
import { ProposalCard } from './ProposalCard.tsx';
import { ProposeDialog } from './ProposeDialog.tsx';
import { isDecided } from './voteWords.ts';
import './votes.css';

const pageSize = 5;

export const VotesTab = ({
  ledger,
  onOpen,
}: {
  readonly ledger: OpenLedgerView;
  readonly onOpen: (item: string) => void;
}) => {
  const { governance } = ledger;
  const [dialog, setDialog] = useState<'propose' | 'delegate'>();
  const canSign = ledger.wallet.key.phase !== 'elsewhere';
  const close = () => setDialog(undefined);
  return (
    <div className="wallet-tab">
      <WhoDecides governance={governance} onDelegate={() => setDialog('delegate')} canSign={canSign} />
      <Proposals
        governance={governance}
        canSign={canSign}
        onPropose={() => setDialog('propose')}
        onOpen={onOpen}
      />
      <section className="section" aria-labelledby="parameters-title">
        <h2 id="parameters-title">What can be set</h2>
        <ParameterTable parameters={governance.parameters} />
      </section>
      {dialog === 'propose' ? <ProposeDialog governance={governance} onClose={close} /> : null}
      {dialog === 'delegate' ? (
        <DelegateDialog governance={governance} account={ledger.wallet.account} onClose={close} />
      ) : null}
    </div>
  );
};

const WhoDecides = ({
  governance,
  canSign,
  onDelegate,
}: {
  readonly governance: GovernanceView;
  readonly canSign: boolean;
  readonly onDelegate: () => void;
}) => {
  const { hostGoverns, eligiblePower, powerNeeded, delegate } = governance;
  return (
    <section className="section" aria-labelledby="who-decides-title">
      <h2 id="who-decides-title">{hostGoverns ? 'Its host decides for now' : 'Its people decide'}</h2>
      {hostGoverns ? (
        <div className="governs">
          <p className="quiet wallet-prose">
            {governance.host.own ? (
              'You opened this ledger and decide with your own key'
            ) : (
              <>
                <PartyName party={governance.host} /> opened this ledger and decides with its own key
              </>
            )}
            , until the people here hold {formatVc(powerNeeded)} of voting power between them. Then it is
            theirs.
          </p>
          <Gauge
            label="Voting power until the people decide"
            value={eligiblePower}
            most={powerNeeded}
            text={`${formatVc(eligiblePower)} of ${formatVc(powerNeeded)}`}
          />
          <p className="small quiet">
            {formatVc(eligiblePower)} of {formatVc(powerNeeded)} (
            {formatPercent(powerNeeded > 0 ? eligiblePower / powerNeeded : 1)})
          </p>
        </div>
      ) : (
        <p className="quiet wallet-prose">
          Whoever holds VC can propose and vote. All of them together have {formatVc(eligiblePower)} of voting
          power.
        </p>
      )}
      <div className="figures">
        <Figure
          label="Your voting power"
          value={formatVc(governance.ownPower)}
          hint="The least you had on any of the last 7 days: what comes for one vote doesn’t count."
        />
        <Figure
          label="Treasury"
          value={formatVc(governance.treasury)}
          hint={`Proposals may still take ${formatVc(governance.grantable)} of it in these 30 days.`}
        />
      </div>
      <div className="delegate">
        <p>
          {delegate ? (
            <>
              <PartyName party={delegate} /> votes with your power, unless you vote yourself.
            </>
          ) : (
            <span className="quiet">You vote with your own power. You can let somebody else do it.</span>
          )}
        </p>
        <Button onClick={onDelegate} disabled={!canSign}>
          {delegate ? 'Change that' : 'Let somebody vote for you'}
        </Button>
      </div>
    </section>
  );
};

const Proposals = ({
  governance,
  canSign,
  onPropose,
  onOpen,
}: {
  readonly governance: GovernanceView;
  readonly canSign: boolean;
  readonly onPropose: () => void;
  readonly onOpen: (item: string) => void;
}) => {
  const [limit, setLimit] = useState(pageSize);
  const open = governance.proposals.filter((proposal) => !isDecided(proposal));
  const decided = governance.proposals.filter(isDecided);
  const card = (proposal: GovernanceView['proposals'][number]) => (
    <ProposalCard
      key={proposal.id}
      proposal={proposal}
      power={governance.ownPower}
      canSign={canSign}
      onOpen={onOpen}
    />
  );
  return (
    <>
      <section className="section" aria-labelledby="proposals-title">
        <div className="section-head">
          <h2 id="proposals-title">Proposals</h2>
          <Button icon="plus" onClick={onPropose} disabled={!canSign}>
            Propose
          </Button>
        </div>
        {open.length === 0 ? (
          <Empty title={decided.length === 0 ? 'Nothing was proposed yet' : 'Nothing is open'}>
            Fees, rewards, grants from the treasury and new versions are decided here.
            {governance.deposit > 0
              ? ` Whoever proposes puts ${formatVc(governance.deposit)} down until it is decided.`
              : ''}
          </Empty>
        ) : (
          <div className="proposals">{open.map(card)}</div>
        )}
      </section>
      {decided.length > 0 ? (
        <section className="section" aria-labelledby="decided-title">
          <h2 id="decided-title">Decided</h2>
          <div className="proposals">{decided.slice(0, limit).map(card)}</div>
          {decided.length > limit ? (
            <div>
              <Button look="plain" onClick={() => setLimit(limit + pageSize)}>
                Show {Math.min(pageSize, decided.length - limit)} more of {decided.length - limit}
              </Button>
            </div>
          ) : null}
        </section>
      ) : null}
    </>
  );
};
