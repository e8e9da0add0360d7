import { useState } from 'react';
import type { BlockSummary } from '../../../../app/readModels.ts';
import { useNow } from '../../../hooks/useNow.ts';
import { Button } from '../../../kit/Button.tsx';
import { formatAgo, formatDateTime, formatInteger } from '../../../kit/format.ts';
import { Empty } from '../../../kit/Notice.tsx';
import { blockInWords } from './logWords.ts';

const pageSize = 10;

export const BlockTable = ({
  blocks,
  onOpen,
}: {
  readonly blocks: readonly BlockSummary[];
  readonly onOpen: (item: string) => void;
}) => {
  const { wall } = useNow(10_000);
  const [limit, setLimit] = useState(pageSize);
  if (blocks.length === 0)
    return (
      <Empty title="No block yet">
        The first one comes with the first operation, or when the epoch ends.
      </Empty>
    );
  return (
    <>
      <table className="table wallet-table blocks">
        <thead>
          <tr>
            <th scope="col">Height</th>
            <th scope="col">Holds</th>
            <th scope="col" className="wide">
              Made by
            </th>
            <th scope="col">When</th>
          </tr>
        </thead>
        <tbody>
          {blocks.slice(0, limit).map((block) => (
            <tr key={block.id} onClick={() => onOpen(block.id)}>
              <td>
                <button type="button" className="row-link">
                  <span className="row-words">{formatInteger(block.height)}</span>
                </button>
              </td>
              <td className={block.kind === 'epoch' ? 'quiet' : undefined}>{blockInWords(block)}</td>
              <td className="wide quiet">{block.creator}</td>
              <td className="quiet" title={formatDateTime(block.time)}>
                {formatAgo(wall - block.time)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {blocks.length > limit ? (
        <div>
          <Button look="plain" onClick={() => setLimit(limit + pageSize)}>
            Show {Math.min(pageSize, blocks.length - limit)} more of {blocks.length - limit}
          </Button>
        </div>
      ) : null}
    </>
  );
};
