import { useState } from 'react';
import type { MarketClassView, OfferView, OpenLedgerView } from '../../../../app/readModels.ts';
import { useNavigate } from '../../../hooks/useNavigation.ts';
import { Button } from '../../../kit/Button.tsx';
import { Figure } from '../../../kit/Facts.tsx';
import { Segmented } from '../../../kit/Field.tsx';
import { formatInteger, formatVc, formatVcFigure } from '../../../kit/format.ts';
import { Empty } from '../../../kit/Notice.tsx';
import { PartyName } from '../PartyName.tsx';
import { MarketCharts } from './MarketCharts.tsx';
import { className, demandInWords } from './marketWords.ts';
import { OfferForm } from './OfferForm.tsx';
import { OrdersSection } from './OrdersSection.tsx';
import './market.css';

const shownOffers = 10;

export const MarketTab = ({
  ledger,
  onOpen,
}: {
  readonly ledger: OpenLedgerView;
  readonly onOpen: (item: string) => void;
}) => {
  const { go } = useNavigate();
  const { classes, ownOffers, ownOrders } = ledger.market;
  const canSign = ledger.wallet.key.phase !== 'elsewhere';
  const [picked, setPicked] = useState<string>();
  const shown = classes.find((entry) => entry.class === picked) ?? classes[0];
  if (!shown)
    return (
      <Empty
        title="No work is traded here yet"
        action={<Button onClick={() => go({ screen: 'read' })}>Read some pages</Button>}
      >
        A class of work has a price as soon as the first order for it is placed. Work among the people here
        goes on without one; its receipts are under Receipts.
      </Empty>
    );
  return (
    <div className="wallet-tab">
      <section className="section" aria-labelledby="class-title">
        <div className="section-head">
          <h2 id="class-title">{className(shown.class)}</h2>
          {classes.length > 1 ? (
            <Segmented
              label="Class of work"
              value={shown.class}
              onChange={setPicked}
              options={classes.map((entry) => ({ value: entry.class, label: className(entry.class) }))}
            />
          ) : null}
        </div>
        <ClassFigures market={shown} />
        <MarketCharts key={shown.class} market={shown} epoch={ledger.epoch} />
      </section>
      <div className="columns">
        <Offers key={shown.class} offers={shown.offers} />
        <OfferForm
          key={`form ${shown.class}`}
          market={shown}
          canSign={canSign}
          own={ownOffers.find((offer) => offer.class === shown.class)}
        />
      </div>
      <OrdersSection orders={ownOrders} canSign={canSign} epoch={ledger.epoch} onOpen={onOpen} />
    </div>
  );
};

const ClassFigures = ({ market }: { readonly market: MarketClassView }) => (
  <>
    <div className="figures">
      <Figure label="Price per million units" value={formatVc(market.price)} />
      <Figure label="Asked for" value={formatInteger(market.demand)} hint="units in this epoch" />
      <Figure label="Offered" value={formatInteger(market.capacity)} hint="units per epoch" />
    </div>
    <p className="quiet wallet-prose">
      {demandInWords(market)} The price is the same for all and is set anew with every epoch: it rises while
      more is asked for than was delivered lately, and falls while less is. A unit is a thousandth of a credit
      on a receipt.
    </p>
  </>
);

const Offers = ({ offers }: { readonly offers: readonly OfferView[] }) => {
  const [all, setAll] = useState(false);
  const sorted = offers.toSorted((a, b) => a.minPrice - b.minPrice || b.capacity - a.capacity);
  return (
    <section className="section" aria-labelledby="offers-title">
      <h2 id="offers-title">Who offers it</h2>
      {offers.length === 0 ? (
        <p className="quiet">Nobody yet. Whoever offers this work gets what is asked for.</p>
      ) : (
        <table className="table wallet-table offers">
          <thead>
            <tr>
              <th scope="col">Who</th>
              <th scope="col" className="number">
                Units per epoch
              </th>
              <th scope="col" className="number">
                From, VC
              </th>
            </tr>
          </thead>
          <tbody>
            {sorted.slice(0, all ? sorted.length : shownOffers).map((offer) => (
              <tr key={offer.by.account}>
                <td>
                  <PartyName party={offer.by} />
                </td>
                <td className="number">{formatInteger(offer.capacity)}</td>
                <td className="number">{formatVcFigure(offer.minPrice)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {offers.length > shownOffers && !all ? (
        <div>
          <Button look="plain" onClick={() => setAll(true)}>
            Show all {offers.length}
          </Button>
        </div>
      ) : null}
    </section>
  );
};
