import { capacityOf } from '../../ledger/transition/market/price.ts';
import type { Escrow, Offer } from '../../ledger/transition/market/types.ts';
import type { LedgerState } from '../../ledger/types.ts';
import type { MarketView, OfferView, OrderView } from '../ledgerView.ts';
import { type NameOf, partyOf } from './words.ts';

type Own = MarketView['ownOffers'][number]['by']['account'];

export const marketViewOf = (state: LedgerState, own: Own, nameOf: NameOf): Omit<MarketView, 'payments'> => {
  const offers = [...state.market.offers.entries()].map(([, offer]) => offerView(offer, own, nameOf));
  return {
    classes: Object.entries(state.market.classes).map(([name, work]) => ({
      class: name,
      price: work.price,
      history: [
        ...work.history.map(({ price, demand, delivered }, index) => ({
          epoch: state.epoch - work.history.length + index,
          price,
          demand,
          delivered,
        })),
        { epoch: state.epoch, price: work.price, demand: work.open, delivered: work.delivered },
      ],
      capacity: Math.max(work.offered, capacityOf(work.samples)),
      demand: work.open,
      offers: offers.filter((offer) => offer.class === name),
    })),
    ownOffers: offers.filter(({ by }) => by.own),
    ownOrders: ordersOf(state, own),
  };
};

const offerView = (
  { account, class: name, capacity, minPrice }: Offer,
  own: Own,
  nameOf: NameOf,
): OfferView => ({
  by: partyOf(account, own, nameOf),
  class: name,
  capacity,
  minPrice,
});

const ordersOf = (state: LedgerState, own: Own): readonly OrderView[] =>
  [...state.market.escrows.entries()]
    .filter(([, { payer }]) => payer === own)
    .sort(([, a], [, b]) => b.placed - a.placed)
    .map(([id, escrow]) => ({
      id,
      class: escrow.class,
      locked: escrow.locked,
      paid: escrow.locked - escrow.rest,
      price: escrow.price,
      max: escrow.max,
      deadline: escrow.due,
      state: stateInWords(escrow, state.epoch),
      cancelCost: Math.floor(escrow.locked / state.parameters.cancelDivisor),
      mayCancel: isUntouched(escrow),
    }));

const isUntouched = ({ shares, payees, settled }: Escrow): boolean =>
  !settled && shares.length === 0 && Object.keys(payees).length === 0;

const stateInWords = (escrow: Escrow, epoch: number): string => {
  const epochs = Math.max(1, escrow.due - epoch + 1);
  const left = epochs === 1 ? 'when this epoch ends' : `in ${epochs} epochs`;
  if (escrow.settled) return `paid; the rest comes back ${left}`;
  if (isUntouched(escrow)) return `waits for its job; comes back ${left}`;
  return `at work; ends ${left}`;
};
