import { useState } from 'react';
import type { EpochView, OrderView } from '../../../../app/readModels.ts';
import { useApp } from '../../../hooks/useApp.ts';
import { useNavigate } from '../../../hooks/useNavigation.ts';
import { useNow } from '../../../hooks/useNow.ts';
import { Button } from '../../../kit/Button.tsx';
import { ConfirmDialog } from '../../../kit/ConfirmDialog.tsx';
import { asSentence, formatDateTime, formatPercent, formatVc } from '../../../kit/format.ts';
import { Gauge } from '../../../kit/Gauge.tsx';
import { Empty } from '../../../kit/Notice.tsx';
import { className, epochEnd, leftInOrder, ordersInWords } from './marketWords.ts';

export const OrdersSection = ({
  orders,
  epoch,
  canSign,
  onOpen,
}: {
  readonly orders: readonly OrderView[];
  readonly canSign: boolean;
  readonly epoch: EpochView;
  readonly onOpen: (item: string) => void;
}) => {
  const { go } = useNavigate();
  const [cancelling, setCancelling] = useState<string>();
  const chosen = orders.find(({ id }) => id === cancelling);
  return (
    <section className="section" aria-labelledby="orders-title">
      <h2 id="orders-title">Your orders</h2>
      {orders.length === 0 ? (
        <Empty
          title="None now"
          action={<Button onClick={() => go({ screen: 'read' })}>Read some pages</Button>}
        >
          When a job of yours is to be paid for, what it may cost at most is locked here first. What is not
          used comes back by itself.
        </Empty>
      ) : (
        <ul className="orders">
          {orders.map((order) => (
            <OrderItem
              key={order.id}
              order={order}
              epoch={epoch}
              canSign={canSign}
              onOpen={onOpen}
              onCancel={() => setCancelling(order.id)}
            />
          ))}
        </ul>
      )}
      {chosen ? <CancelDialog order={chosen} onClose={() => setCancelling(undefined)} /> : null}
    </section>
  );
};

const OrderItem = ({
  order,
  epoch,
  canSign,
  onOpen,
  onCancel,
}: {
  readonly order: OrderView;
  readonly epoch: EpochView;
  readonly canSign: boolean;
  readonly onOpen: (item: string) => void;
  readonly onCancel: () => void;
}) => {
  const now = useNow(60_000);
  const ends = formatDateTime(epochEnd(epoch, order.deadline, now));
  return (
    <li>
      <div className="order-words">
        <p>
          <button type="button" className="row-link" onClick={() => onOpen(order.id)}>
            <strong className="row-words">{className(order.class)}</strong>
          </button>{' '}
          <span className="quiet">{ordersInWords(order)}</span>
        </p>
        <Gauge
          label="Paid of what is locked"
          value={order.paid}
          most={order.locked}
          text={`${formatVc(order.paid)} of ${formatVc(order.locked)}`}
        />
        <p className="small quiet">
          {formatVc(order.paid)} of {formatVc(order.locked)} paid. {asSentence(order.state)}{' '}
          {order.deadline >= epoch.number ? `It waits until about ${ends}.` : `Its time ended about ${ends}.`}
        </p>
      </div>
      {order.mayCancel ? (
        <Button look="plain" onClick={onCancel} disabled={!canSign}>
          Cancel it
        </Button>
      ) : null}
    </li>
  );
};

const CancelDialog = ({ order, onClose }: { readonly order: OrderView; readonly onClose: () => void }) => {
  const { commands } = useApp();
  const left = leftInOrder(order);
  return (
    <ConfirmDialog
      title="Cancel this order?"
      confirm="Cancel the order"
      cancel="Keep it"
      danger
      done="Signed: what is left comes back when it is final."
      facts={[
        { term: 'Left in it', value: formatVc(left) },
        {
          term: 'Cancelling costs',
          value: formatVc(order.cancelCost),
          hint:
            left > 0
              ? `${formatPercent(order.cancelCost / left)} of what is left: orders that only pretend must not move the price`
              : undefined,
        },
        { term: 'Comes back', value: formatVc(Math.max(0, left - order.cancelCost)) },
      ]}
      onConfirm={() => commands.cancelOrder(order.id)}
      onClose={onClose}
    >
      Nobody works on it any more. What was done before is paid.
    </ConfirmDialog>
  );
};
