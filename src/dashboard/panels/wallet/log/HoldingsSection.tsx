import type { ChainView } from '../../../../app/readModels.ts';
import { formatVc, formatVcFigure } from '../../../kit/format.ts';
import { Gauge } from '../../../kit/Gauge.tsx';
import { Icon } from '../../../kit/Icon.tsx';
import { checkHoldings } from './logWords.ts';

/** Where all money is, and that it is all there is. */
export const HoldingsSection = ({ chain }: { readonly chain: ChainView }) => {
  const { held, due, holds } = checkHoldings(chain);
  return (
    <section className="section" aria-labelledby="supply-title">
      <h2 id="supply-title">All money there is</h2>
      <table className="table wallet-table holdings">
        <thead>
          <tr>
            <th scope="col">Where</th>
            <th scope="col" className="wide">
              <span className="unseen">Share</span>
            </th>
            <th scope="col" className="number">
              VC
            </th>
          </tr>
        </thead>
        <tbody>
          {chain.holdings.map(({ where, amount }) => (
            <tr key={where}>
              <td>{where}</td>
              <td className="wide holding-share">
                <Gauge label={where} value={amount} most={Math.max(1, due)} text={formatVc(amount)} />
              </td>
              <td className="number">{formatVcFigure(amount)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">Together</th>
            <td className="wide" />
            <td className="number">
              <strong>{formatVcFigure(held)}</strong>
            </td>
          </tr>
        </tfoot>
      </table>
      <p className={holds ? 'sum-check' : 'sum-check sum-wrong'} role={holds ? undefined : 'alert'}>
        <Icon name={holds ? 'check' : 'bad'} size={18} />
        <span>
          Minted {formatVc(chain.supply.minted)}, burned {formatVc(chain.supply.burned)}:{' '}
          {holds
            ? 'exactly what is held. No VC came from nowhere.'
            : `${formatVc(due)} should be held, and it is not so. Send nothing, and tell whoever runs this room.`}
        </span>
      </p>
    </section>
  );
};
