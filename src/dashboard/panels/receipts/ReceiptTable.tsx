import { useState } from 'react';
import type { ReceiptView } from '../../../app/readModels.ts';
import { taskName } from '../../charts/SpeedBars.tsx';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { Button } from '../../kit/Button.tsx';
import { formatCredits, formatDateTime, formatDuration } from '../../kit/format.ts';
import { PeerName } from '../../kit/Lantern.tsx';
import { directionInWords, otherLantern, otherName } from './receiptWords.ts';

const pageSize = 50;

export const ReceiptTable = ({
  receipts,
  onOpen,
}: {
  readonly receipts: readonly ReceiptView[];
  readonly onOpen: (id: string) => void;
}) => {
  const { models } = useApp();
  const peers = useStore(models.peers);
  const [limit, setLimit] = useState(pageSize);
  return (
    <>
      <div className="table-scroll">
        <table className="table receipts">
          <thead>
            <tr>
              <th scope="col">With</th>
              <th scope="col" className="roomy">
                What
              </th>
              <th scope="col" className="roomy">
                Task
              </th>
              <th scope="col" className="roomy number">
                Computed in
              </th>
              <th scope="col">When</th>
              <th scope="col" className="number">
                Credits
              </th>
            </tr>
          </thead>
          <tbody>
            {receipts.slice(0, limit).map((view) => (
              <tr key={view.receipt.id} onClick={() => onOpen(view.receipt.id)}>
                <td>
                  <button type="button" className="row-link">
                    <PeerName
                      peer={otherLantern(view, peers)}
                      name={otherName(view)}
                      note={view.state === 'claim' ? 'claim' : undefined}
                    />
                  </button>
                </td>
                <td className="roomy quiet">{directionInWords[view.direction]}</td>
                <td className="roomy quiet">{taskName(view.receipt.body.kind)}</td>
                <td className="roomy number quiet">{formatDuration(view.receipt.body.cost.computeMs)}</td>
                <td className="quiet">{formatDateTime(view.receipt.body.at)}</td>
                <td className="number">{signedCredits(view)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {receipts.length > limit ? (
        <div>
          <Button look="plain" onClick={() => setLimit(limit + pageSize)}>
            Show {Math.min(pageSize, receipts.length - limit)} more of {receipts.length - limit}
          </Button>
        </div>
      ) : null}
    </>
  );
};

const signedCredits = (view: ReceiptView) => {
  const amount = formatCredits(view.receipt.body.cost.milliCredits);
  if (view.direction === 'own' || view.state === 'claim') return <span className="quiet">({amount})</span>;
  return view.direction === 'earned' ? <strong>+{amount}</strong> : `−${amount}`;
};
