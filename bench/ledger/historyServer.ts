import { WebSocketServer } from 'ws';
import { unwrap } from '../../src/core/result.ts';
import {
  encodeLedgerMessage,
  type FromKeeper,
  ledgerLimits,
  ledgerVersion,
  readToKeeper,
  type ToKeeper,
} from '../../src/ledger/protocol.ts';
import type { BlockId, NetId } from '../../src/ledger/types.ts';
import type { StoredHistory } from './storedHistory.ts';

/** The ledger socket of a keeper that only answers: it serves a history that is over. */
export const serveHistory = async (
  history: StoredHistory,
  net: NetId,
): Promise<{ readonly url: string; close(): void }> => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  await new Promise((resolve) => server.once('listening', resolve));
  const height = history.blocks.length;
  const answer = (message: ToKeeper): FromKeeper | undefined => {
    if (message.t === 'hello')
      return {
        t: 'status',
        v: ledgerVersion,
        net,
        height,
        head: history.head as BlockId,
        epoch: history.epoch,
        earliest: 1,
      };
    if (message.t === 'get')
      return { t: 'blocks', after: message.after, blocks: [...blocksOf(history, message)], height };
    if (message.t === 'snapshot') return { t: 'refused', reason: 'the whole history is to be replayed' };
    return undefined;
  };
  server.on('connection', (socket) =>
    socket.on('message', (data: Buffer) => {
      const answered = answer(unwrap(readToKeeper(data)));
      if (answered) socket.send(encodeLedgerMessage(answered));
    }),
  );
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    url: `ws://127.0.0.1:${address.port}/ledger`,
    close() {
      for (const socket of server.clients) socket.terminate();
      server.close();
    },
  };
};

/** As a keeper counts: what fits into one answer. */
const blocksOf = (
  { blocks }: StoredHistory,
  { after, count }: { readonly after: number; readonly count: number },
) => {
  let bytes = 0;
  const asked = blocks.slice(after, after + count);
  const tooMuch = asked.findIndex((block) => {
    bytes += block.byteLength + 8;
    return bytes > ledgerLimits.maxBlocksBytes;
  });
  return tooMuch < 0 ? asked : asked.slice(0, Math.max(1, tooMuch));
};
