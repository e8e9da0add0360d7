import type { ChainView, EpochView, OpenLedgerView } from '../../../../app/readModels.ts';
import { useNow } from '../../../hooks/useNow.ts';
import { Facts } from '../../../kit/Facts.tsx';
import { formatAgo, formatInteger, shortId } from '../../../kit/format.ts';
import { Notice } from '../../../kit/Notice.tsx';
import { Until } from '../Until.tsx';
import { BlockTable } from './BlockTable.tsx';
import { HoldingsSection } from './HoldingsSection.tsx';
import { KeepersSection } from './KeepersSection.tsx';
import { agreementInWords, behindInWords } from './logWords.ts';
import { ProofPicker } from './ProofPicker.tsx';
import { SearchForm } from './SearchForm.tsx';
import './log.css';

export const LogTab = ({
  ledger,
  onOpen,
}: {
  readonly ledger: OpenLedgerView;
  readonly onOpen: (item: string) => void;
}) => {
  const { chain } = ledger;
  return (
    <div className="wallet-tab">
      <Notice tone={chain.evidence.length > 0 ? 'warn' : 'plain'} icon="eye" title={ledger.trust}>
        This browser checks every signature and every sum itself, and compares what it sees with the others
        here.
      </Notice>
      <SearchForm onOpen={onOpen} />
      <div className="columns">
        <section className="section" aria-labelledby="log-title">
          <h2 id="log-title">Where the log stands</h2>
          <Standing chain={chain} epoch={ledger.epoch} net={ledger.net} name={ledger.name} onOpen={onOpen} />
        </section>
        <HoldingsSection chain={chain} />
      </div>
      <KeepersSection chain={chain} onOpen={onOpen} />
      <ProofPicker onOpen={onOpen} />
      <section className="section" aria-labelledby="blocks-title">
        <h2 id="blocks-title">Latest blocks</h2>
        <BlockTable blocks={chain.recent} onOpen={onOpen} />
      </section>
    </div>
  );
};

const Standing = ({
  chain,
  epoch,
  net,
  name,
  onOpen,
}: {
  readonly chain: ChainView;
  readonly epoch: EpochView;
  readonly net: string;
  readonly name: string;
  readonly onOpen: (item: string) => void;
}) => {
  const { monotonic, wall } = useNow(5_000);
  return (
    <Facts
      facts={[
        { term: 'Ledger', value: name, hint: <span className="mono">{net}</span> },
        {
          term: 'Height',
          value: (
            <>
              <button type="button" className="text-link" onClick={() => onOpen(chain.head)}>
                {formatInteger(chain.height)}
              </button>{' '}
              <span className="quiet mono">{shortId(chain.head)}</span>
            </>
          ),
          hint: `${behindInWords(chain.behind)}; made ${formatAgo(wall - chain.time)}`,
        },
        {
          term: 'Last block taken',
          value:
            chain.lastBlockAt === undefined
              ? 'none since this page was opened'
              : formatAgo(monotonic - chain.lastBlockAt),
        },
        {
          term: 'Epoch',
          value: formatInteger(epoch.number),
          hint: (
            <>
              ends in <Until at={epoch.endsAt} />
            </>
          ),
        },
        { term: 'Agreement', value: agreementInWords(chain) },
      ]}
    />
  );
};
