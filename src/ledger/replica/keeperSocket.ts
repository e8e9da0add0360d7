import { milliseconds } from '../../core/brand.ts';
import type { Bytes } from '../../core/bytes.ts';
import { createEmitter, type Subscribe } from '../../core/events.ts';
import type { Timers } from '../../core/ports/timers.ts';
import { err, fault, ok, type Result } from '../../core/result.ts';
import {
  encodeLedgerMessage,
  type FromKeeper,
  ledgerVersion,
  readFromKeeper,
  type ToKeeper,
} from '../protocol.ts';
import type { NetId, SignedOperation } from '../types.ts';
import type { KeeperAnswer } from '../wallet/wallet.ts';
import {
  type Frames,
  type LedgerSource,
  pauseAfter,
  type SnapshotPart,
  type SourceFault,
  type SourceNews,
  type SourceStatus,
} from './source.ts';

/** One binary message pipe; `platform/browser/socket.ts` opens one. */
export type OpenLedgerSocket = (
  url: string,
  on: { open(): void; message(bytes: Bytes): void; closed(): void },
) => { send(message: Bytes): void; close(): void };

export type KeeperSocketDeps = {
  readonly openSocket: OpenLedgerSocket;
  readonly timers: Pick<Timers, 'after'>;
  /** Jitter of reconnecting, in [0, 1). */
  readonly random: () => number;
};

/** A keeper over its ledger socket: gives blocks, takes operations, and is connected to again whenever it goes. */
export interface KeeperSocket extends LedgerSource {
  /** For one that has less than this tab: what it signed and lost (a disk restored from a backup). */
  give(blocks: readonly Bytes[]): void;
  /** Asks for its status now: it tells it by itself, but seldom. */
  greet(): void;
  /** Lost if there is no connection: whoever sends sends again. */
  send(operations: readonly SignedOperation[]): void;
  readonly answers: Subscribe<KeeperAnswer>;
  readonly reached: Subscribe<void>;
  close(): void;
}

/** A keeper that has not answered by then is late: others are asked first for a while. */
const patience = milliseconds(15_000);

/**
 * A keeper says every 10 s where it stands. One that has said nothing for longer is gone, whatever TCP believes: a tab that has
 * nothing to ask would take an old status for the newest for ever. The largest answer takes a minute over a slow line.
 */
const silentAfter = milliseconds(90_000);

type Waiting = { readonly settle: (message: Result<FromKeeper, SourceFault>) => void };
type Asked = 'blocks' | 'snapshot';

export const openKeeperSocket = (
  deps: KeeperSocketDeps,
  about: { readonly name: string; readonly url: string; readonly net: NetId; readonly height: () => number },
): KeeperSocket => {
  const { timers } = deps;
  const { name, net } = about;
  const news = createEmitter<SourceNews>();
  const answers = createEmitter<KeeperAnswer>();
  const reached = createEmitter<void>();
  const waiting = new Map<Asked, Waiting>();
  let socket: ReturnType<OpenLedgerSocket> | undefined;
  let status: SourceStatus | undefined;
  let failures = 0;
  let wrong = false;
  let closed = false;
  let cancelRetry = () => {};
  let cancelSilence = () => {};

  const send = (message: ToKeeper) => socket?.send(encodeLedgerMessage(message));
  const settle = (asked: Asked, message: Result<FromKeeper, SourceFault>) => {
    const one = waiting.get(asked);
    waiting.delete(asked);
    one?.settle(message);
  };
  const settleAll = (reason: SourceFault) => {
    for (const asked of [...waiting.keys()]) settle(asked, err(reason));
  };
  const onMessage = (bytes: Bytes) => {
    const read = readFromKeeper(bytes);
    if (!read.ok) return blame(name, `it sent what is no message: ${read.error.message}`);
    const message = read.value;
    switch (message.t) {
      case 'status':
        if (message.net !== net) return blame(name, 'it keeps the ledger of another swarm');
        failures = 0;
        return onStatus({ height: message.height, earliest: message.earliest });
      case 'block':
        return news.emit({ kind: 'block', from: name, bytes: message.bytes });
      case 'blocks':
      case 'snapshot':
        return settle(message.t, ok(message));
      case 'submitted': {
        const { t: _, ...answer } = message;
        return answers.emit({ ...answer, from: name });
      }
      case 'agree':
        return undefined; // between keepers
      case 'refused':
        return settleAll(fault('refused', message.reason));
      default:
        return message satisfies never;
    }
  };
  const onStatus = (told: SourceStatus) => {
    const isFirst = status === undefined;
    status = told;
    // First how far it is, then that it is there: whoever sends at once must know.
    news.emit({ kind: 'status' });
    if (isFirst) reached.emit();
  };
  const onClosed = () => {
    socket = undefined;
    cancelSilence();
    const hadStatus = status !== undefined;
    status = undefined;
    settleAll(fault('away', `the connection to ${name} was lost`));
    if (hadStatus) news.emit({ kind: 'status' });
    if (closed) return;
    const delay = pauseAfter(failures++, wrong) * (0.5 + deps.random());
    wrong = false;
    cancelRetry = timers.after(milliseconds(delay), connect);
  };
  const greet = () => send({ t: 'hello', v: ledgerVersion, net, height: about.height() });
  const leave = () => {
    const old = socket;
    old?.close();
    if (socket === old && old) onClosed();
  };
  const expectWord = () => {
    cancelSilence();
    cancelSilence = timers.after(silentAfter, leave);
  };
  const connect = () => {
    const mine = deps.openSocket(about.url, {
      open: () => mine === socket && greet(),
      message: (bytes) => {
        if (mine !== socket) return;
        expectWord();
        onMessage(bytes);
      },
      closed: () => {
        if (mine === socket) onClosed();
      },
    });
    socket = mine;
    expectWord();
  };
  const blame = (_from: string, _reason: string) => {
    wrong = true;
    leave();
  };
  const ask = (asked: Asked, message: ToKeeper): Promise<Result<FromKeeper, SourceFault>> =>
    new Promise((resolve) => {
      if (!socket || !status) return resolve(err(fault('away', `${name} can't be reached`)));
      if (waiting.has(asked)) return resolve(err(fault('refused', `${name} is being asked already`)));
      const cancel = timers.after(patience, () =>
        settle(asked, err(fault('late', `${name} has not answered in ${patience / 1_000} s`))),
      );
      waiting.set(asked, {
        settle(answer) {
          cancel();
          resolve(answer);
        },
      });
      send(message);
    });

  connect();
  return {
    name,
    kind: 'keeper',
    status: () => status,
    async blocks(after, count): Promise<Result<Frames, SourceFault>> {
      const answer = await ask('blocks', { t: 'get', after, count });
      if (!answer.ok) return answer;
      if (answer.value.t !== 'blocks' || answer.value.after !== after)
        return err(fault('refused', `${name} answered another question`));
      return ok({ from: name, frames: answer.value.blocks });
    },
    async snapshot(part): Promise<Result<SnapshotPart, SourceFault>> {
      const answer = await ask('snapshot', { t: 'snapshot', part });
      if (!answer.ok) return answer;
      if (answer.value.t !== 'snapshot' || answer.value.part !== part)
        return err(fault('refused', `${name} answered another question`));
      const { height, block, of, bytes } = answer.value;
      return ok({ from: name, height, block, part, of, bytes });
    },
    news: news.subscribe,
    blame,
    give(blocks) {
      for (const bytes of blocks) send({ t: 'certified', bytes });
    },
    greet,
    send(operations) {
      for (const { bytes, signature } of operations) send({ t: 'submit', bytes, signature });
    },
    answers: answers.subscribe,
    reached: reached.subscribe,
    close() {
      closed = true;
      cancelRetry();
      cancelSilence();
      socket?.close();
      socket = undefined;
      settleAll(fault('away', 'this tab has left'));
    },
  };
};
