/** What tabs are to keepers, without their replicas: the processor is to be the keepers'. What comes is read afterwards. */
import { WebSocket } from 'ws';
import type { Bytes } from '../../src/core/bytes.ts';
import { encodeLedgerMessage, ledgerVersion, readFromKeeper } from '../../src/ledger/protocol.ts';
import type { NetId, OperationId, ReadOperation } from '../../src/ledger/types.ts';

/** A message as it arrived, at a monotonic time in milliseconds. */
export type Arrival = { readonly at: number; readonly bytes: Bytes };

/** One connection to every keeper, each told of every block, as a tab holds them. */
export interface Tab {
  /** To every keeper that is reached, as a wallet does, and again every five seconds until it is final. */
  send(operation: ReadOperation): void;
  readonly pending: () => number;
  readonly refusals: readonly string[];
  /** Of blocks, if they are kept: each comes once from each keeper. */
  readonly blocks: readonly Arrival[];
  /** Of all that came, in bytes. */
  readonly received: () => number;
  close(): void;
}

const resendEveryMs = 5_000;
const dialAgainMs = 500;

export const openTab = async (
  urls: readonly string[],
  net: NetId,
  { keepsBlocks }: { readonly keepsBlocks: boolean },
): Promise<Tab> => {
  const pending = new Map<OperationId, Bytes>();
  const refusals: string[] = [];
  const blocks: Arrival[] = [];
  const sockets = new Map<string, WebSocket>();
  let received = 0;
  let closed = false;

  const hear = (data: Buffer) => {
    received += data.byteLength;
    if (data.subarray(0, blockMark.byteLength).equals(blockMark)) {
      if (keepsBlocks) blocks.push({ at: performance.now(), bytes: new Uint8Array(data) });
      return;
    }
    const message = readFromKeeper(data);
    if (!message.ok) throw new Error(`a keeper sent what is no message: ${message.error.message}`);
    if (message.value.t === 'refused') refusals.push(message.value.reason);
    if (message.value.t !== 'submitted') return;
    const { id, state, reason } = message.value;
    if (state === 'final') pending.delete(id as OperationId);
    if (state === 'refused') refusals.push(reason ?? 'refused');
  };
  const dial = (url: string): Promise<void> =>
    new Promise((resolve) => {
      const socket = new WebSocket(url, { perMessageDeflate: false });
      socket.on('open', () => {
        sockets.set(url, socket);
        socket.send(encodeLedgerMessage({ t: 'hello', v: ledgerVersion, net, height: 0 }));
        for (const bytes of pending.values()) socket.send(bytes);
        resolve();
      });
      socket.on('message', hear);
      socket.on('error', () => {}); // it closes
      socket.on('close', () => {
        sockets.delete(url);
        if (!closed) setTimeout(() => void dial(url), dialAgainMs);
      });
    });
  await Promise.all(urls.map(dial));
  const timer = setInterval(() => {
    for (const socket of sockets.values()) for (const bytes of pending.values()) socket.send(bytes);
  }, resendEveryMs);

  return {
    send({ id, bytes: signed, signature }) {
      const bytes = encodeLedgerMessage({ t: 'submit', bytes: signed, signature });
      pending.set(id, bytes);
      for (const socket of sockets.values()) socket.send(bytes);
    },
    pending: () => pending.size,
    refusals,
    blocks,
    received: () => received,
    close() {
      closed = true;
      clearInterval(timer);
      for (const socket of sockets.values()) socket.terminate();
    },
  };
};

/** How `{t: 'block', bytes}` begins, keys in the order of their length: told without reading the message. */
const blockMark = encodeLedgerMessage({ t: 'block', bytes: new Uint8Array() }).subarray(0, 9);
