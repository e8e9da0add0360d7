import type { ChainView } from '../../../../app/readModels.ts';
import { Button } from '../../../kit/Button.tsx';
import { asSentence, formatCount, formatInteger, shortId } from '../../../kit/format.ts';
import { Notice } from '../../../kit/Notice.tsx';
import { PartyName } from '../PartyName.tsx';
import { Until } from '../Until.tsx';
import { placeInWords } from '../words.ts';
import { connectionInWords, heightInWords } from './logWords.ts';

export const KeepersSection = ({
  chain,
  onOpen,
}: {
  readonly chain: ChainView;
  readonly onOpen: (item: string) => void;
}) => (
  <section className="section" aria-labelledby="keepers-title">
    <h2 id="keepers-title">Keepers</h2>
    {chain.evidence.map(({ keeper, height, item }) => (
      <Notice
        key={item}
        tone="bad"
        title={`${keeper} signed two different things at height ${formatInteger(height)}.`}
        action={
          <Button look="plain" onClick={() => onOpen(item)}>
            See the proof
          </Button>
        }
      >
        Both signatures are kept in the log for everybody to check. A vote can replace this keeper.
      </Notice>
    ))}
    {chain.keeperChanges.map((change) => (
      <Notice
        key={change.proposal}
        tone={change.unsigned.length > 0 ? 'warn' : 'plain'}
        title={asSentence(change.words)}
        action={
          <Button look="plain" onClick={() => onOpen(change.proposal)}>
            See the proposal
          </Button>
        }
      >
        Decided, and carried out in <Until at={change.at} />.
        {change.unsigned.length > 0
          ? ` It fails if ${change.unsigned.join(', ')} has not signed again in the day before: its keeper must run.`
          : ''}
      </Notice>
    ))}
    <table className="table wallet-table">
      <thead>
        <tr>
          <th scope="col">Keeper</th>
          <th scope="col" className="roomy">
            Works as
          </th>
          <th scope="col" className="roomy">
            Key
          </th>
          <th scope="col">Connection</th>
          <th scope="col" className="number">
            Height
          </th>
        </tr>
      </thead>
      <tbody>
        {chain.keepers.map((keeper) => (
          <tr key={keeper.key}>
            <td>
              {keeper.name}
              {keeper.lied > 0 ? (
                <span className="badge badge-bad">{formatCount(keeper.lied, 'lie')} proved</span>
              ) : null}
              <span className="row-note">{placeInWords(keeper.url)}</span>
            </td>
            <td className="roomy">
              <PartyName party={keeper.worker} />
            </td>
            <td className="roomy mono" title={keeper.key}>
              {shortId(keeper.key)}
            </td>
            <td>
              <span className={`keeper-state keeper-${keeper.connection}`}>
                {connectionInWords[keeper.connection]}
              </span>
            </td>
            <td className="number">{heightInWords(keeper.height)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);
