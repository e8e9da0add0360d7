import { WebSocket } from 'ws';
import type { Bytes } from '../../src/core/bytes.ts';
import { unwrap } from '../../src/core/result.ts';
import { encodeLedgerMessage, ledgerLimits, readFromKeeper } from '../../src/ledger/protocol.ts';

/** Certified blocks of one keeper, asked for as a tab that was away asks. */
export const openBlocks = async (
  url: string,
): Promise<{ after(height: number): Promise<readonly Bytes[]>; close(): void }> => {
  const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: ledgerLimits.maxMessageBytes });
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  return {
    after: (height) =>
      new Promise((resolve, reject) => {
        socket.once('message', (data: Buffer) => {
          const message = unwrap(readFromKeeper(data));
          if (message.t === 'blocks') resolve(message.blocks);
          else reject(new Error(`the keeper answered ${message.t}`));
        });
        socket.send(encodeLedgerMessage({ t: 'get', after: height, count: ledgerLimits.maxBlocks }));
      }),
    close: () => socket.terminate(),
  };
};
