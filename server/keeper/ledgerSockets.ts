import { milliseconds } from '../../src/core/brand.ts';
import { type Bytes, equalBytes } from '../../src/core/bytes.ts';
import type { Clock } from '../../src/core/ports/clock.ts';
import type { Timers } from '../../src/core/ports/timers.ts';
import { operationIdOf } from '../../src/ledger/operation.ts';
import {
  encodeLedgerMessage,
  type FromKeeper,
  ledgerLimits,
  ledgerVersion,
  readToKeeper,
  type ToKeeper,
} from '../../src/ledger/protocol.ts';
import type { OperationId } from '../../src/ledger/types.ts';
import type { Wire } from '../clients.ts';
import { type Bucket, createBucketTable, fullBucket, takeTokens } from '../limits.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { SocketHub } from '../sockets.ts';
import type { KeeperDriver, KeeperNews, Submitted } from './keeperDriver.ts';

export type LedgerSocketsDeps = {
  readonly driver: KeeperDriver;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly timers: Timers;
};
export type LedgerSocketsOptions = {
  /** Messages a second of one connection, and of all of one address. Keepers have more, once they have shown who they are. */
  readonly messagesPerSecond: number;
};

export const ledgerSocketLimits = {
  /** Of blocks kept in memory: who is this close behind is told them at once, others ask. */
  maxPush: 128,
  /** Who doesn't read is dropped before it costs memory. */
  maxBufferedBytes: 8 * 1024 * 1024,
  /** More answers than these are not prepared at once for one connection: it is not read meanwhile. */
  maxBusy: 32,
  /** The same for a keeper's, whose votes come with what it passes on. */
  maxBusyOfKeeper: 1_000,
  /** Operations are looked at for so long in a row, then it is the turn of what else came. */
  operationsSliceMs: 8,
  statusEveryMs: 10_000,
  keeperMessages: { capacity: 8_000, perSecond: 4_000 },
  /** Refusals of one connection, after which it is closed. */
  refusals: { capacity: 20, perSecond: 0.2 },
  /** A message costs one more for so many bytes. */
  bytesPerToken: 16 * 1024,
} as const;
const limits = ledgerSocketLimits;

type Client = {
  readonly id: string;
  readonly wire: Wire;
  readonly address: string;
  /** The next height it is to be told; undefined until it said hello. */
  next: number | undefined;
  /** It has brought a message that a keeper of now has signed. */
  speaksForKeeper: boolean;
  /** Operations whose end it is to be told. */
  readonly watched: Set<OperationId>;
  bucket: Bucket;
  refusals: Bucket;
  busy: number;
  paused: boolean;
  gone: boolean;
};

export interface LedgerHub extends SocketHub {
  /** `watched`: operations whose end somebody who is here is to be told. */
  load(): { readonly connections: number; readonly watched: number };
}

/** The ledger socket's other end: reads, limits, answers. Doesn't know about WebSockets, nor how keepers agree. */
export const createLedgerHub = (deps: LedgerSocketsDeps, options: LedgerSocketsOptions): LedgerHub => {
  const { driver, log, metrics, clock, timers } = deps;
  const clients = new Set<Client>();
  const watchers = new Map<OperationId, Set<Client>>();
  const recent = new Map<number, Bytes>();
  const rate = { capacity: options.messagesPerSecond * 10, perSecond: options.messagesPerSecond };
  const addressRate = { capacity: rate.capacity * 4, perSecond: rate.perSecond * 4 };
  const addresses = createBucketTable(addressRate);
  const operations = createSlices(() => clock.monotonic(), limits.operationsSliceMs);
  let lastId = 0;

  /** What it waited for may be pending for hours, and it may come again and again: nothing is left of it. */
  const leave = (client: Client) => {
    client.gone = true;
    clients.delete(client);
    for (const id of client.watched) unwatch(id, client);
  };

  const sendBytes = (client: Client, bytes: Bytes) => {
    if (client.gone) return;
    if (client.wire.bufferedBytes() <= limits.maxBufferedBytes) return client.wire.send(bytes);
    log('warn', 'ledger client dropped', { connection: client.id, reason: 'does not read' });
    metrics.count('aivillage_ledger_dropped_total');
    leave(client);
    client.wire.terminate();
  };
  const send = (client: Client, message: FromKeeper) => sendBytes(client, encodeLedgerMessage(message));

  const refuse = (client: Client, reason: string) => {
    metrics.count('aivillage_ledger_refused_total');
    const taken = takeTokens(client.refusals, limits.refusals, clock.monotonic());
    client.refusals = taken.bucket;
    send(client, { t: 'refused', reason: reason.slice(0, ledgerLimits.maxReasonLength) });
    if (taken.allowed || client.gone) return;
    log('info', 'ledger client refused', { connection: client.id, reason });
    leave(client);
    client.wire.close('too many refusals');
    timers.after(milliseconds(2_000), () => client.wire.terminate());
  };

  const statusMessage = (): FromKeeper => {
    const { net, epoch, position } = driver.ledger();
    const { height, head } = position;
    return { t: 'status', v: ledgerVersion, net, height, head, epoch, earliest: 1 };
  };

  /** In their order, each once. */
  const push = (client: Client) => {
    while (client.next !== undefined) {
      const bytes = recent.get(client.next);
      if (!bytes) return;
      client.next++;
      sendBytes(client, encodeLedgerMessage({ t: 'block', bytes }));
    }
  };

  const onHello = (client: Client, { net, height }: Extract<ToKeeper, { t: 'hello' }>) => {
    const own = driver.ledger();
    if (net !== own.net) return refuse(client, `this keeper serves the ledger ${own.net}, not ${net}`);
    const isNear = recent.has(height + 1);
    client.next = isNear ? height + 1 : Math.max(height, own.position.height) + 1;
    send(client, statusMessage());
    push(client);
  };

  const onSubmit = async (client: Client, { bytes, signature }: Extract<ToKeeper, { t: 'submit' }>) => {
    const id = operationIdOf(bytes);
    const from = client.speaksForKeeper ? 'keeper' : 'owner';
    if (from === 'owner') watch(id, client);
    const answer = await driver.submit({ bytes, signature }, id, from);
    // What was refused at once was told then: a wallet that heard `pending` after it would wait for ever.
    if (from === 'owner' && !client.watched.has(id)) return;
    if (answer.state !== 'pending') unwatch(id, client);
    if (from === 'owner' || answer.state === 'refused') tell(client, answer);
  };

  const watch = (id: OperationId, client: Client) => {
    client.watched.add(id);
    watchers.set(id, (watchers.get(id) ?? new Set()).add(client));
  };
  const unwatch = (id: OperationId, client: Client) => {
    client.watched.delete(id);
    const watching = watchers.get(id);
    watching?.delete(client);
    if (watching?.size === 0) watchers.delete(id);
  };

  const tell = (client: Client, answer: Submitted) => send(client, { t: 'submitted', ...answer });
  const tellWatchers = (answer: Submitted) => {
    for (const client of [...(watchers.get(answer.id) ?? [])]) {
      unwatch(answer.id, client);
      tell(client, answer);
    }
  };

  const onGet = async (client: Client, { after, count }: Extract<ToKeeper, { t: 'get' }>) => {
    const blocks = await driver.store.blocks(after, count, ledgerLimits.maxBlocksBytes);
    send(client, { t: 'blocks', after, blocks: [...blocks], height: driver.ledger().position.height });
  };

  const onSnapshot = async (client: Client, part: number) => {
    const found = await driver.store.snapshotPart(part);
    if (found) return send(client, { t: 'snapshot', ...found });
    refuse(client, `there is no part ${part} of a snapshot: get the blocks, from 0 if need be`);
  };

  const onMessage = async (client: Client, message: ToKeeper): Promise<void> => {
    switch (message.t) {
      case 'hello':
        return onHello(client, message);
      case 'submit':
        return onSubmit(client, message);
      case 'get':
        return onGet(client, message);
      case 'snapshot':
        return onSnapshot(client, message.part);
      case 'agree':
      case 'quorum': {
        const heard = driver.hear(message);
        if (!heard.ok) return refuse(client, heard.error.message);
        if (heard.value) client.speaksForKeeper = true;
        return;
      }
      case 'want': {
        const proposal = driver.proposalOf(message.block);
        if (proposal) send(client, proposal);
        return;
      }
      case 'certified': {
        const adopted = await driver.adopt(message.bytes);
        if (!adopted.ok) refuse(client, adopted.error.message);
        return;
      }
      default:
        return message satisfies never;
    }
  };

  const mayGoOn = (client: Client, bytes: number): boolean => {
    const now = clock.monotonic();
    const cost = 1 + Math.floor(bytes / limits.bytesPerToken);
    const own = client.speaksForKeeper ? limits.keeperMessages : rate;
    const taken = takeTokens(client.bucket, own, now, cost);
    client.bucket = taken.bucket;
    if (!taken.allowed) return false;
    return client.speaksForKeeper || addresses.take(client.address, now, cost).allowed;
  };

  const read = async (client: Client, bytes: Uint8Array) => {
    const message = readToKeeper(bytes);
    if (message.ok) await onMessage(client, message.value);
    else refuse(client, message.error.message);
  };

  const handle = async (client: Client, bytes: Uint8Array) => {
    try {
      if (!client.gone) await read(client, bytes);
    } catch (cause) {
      log('error', 'ledger request failed', { cause: String(cause) });
      leave(client);
      client.wire.terminate();
    } finally {
      client.busy--;
      if (client.paused && client.busy < mostBusy(client)) {
        client.paused = false;
        client.wire.resume();
      }
    }
  };

  const receive = (client: Client, data: Uint8Array | 'text') => {
    if (client.gone) return;
    const bytes = data === 'text' ? new Uint8Array() : data;
    if (!mayGoOn(client, bytes.byteLength)) return refuse(client, 'too many messages: slow down');
    client.busy++;
    if (client.busy >= mostBusy(client) && !client.paused) {
      client.paused = true;
      client.wire.pause();
    }
    if (isSubmit(bytes)) operations.add(() => void handle(client, bytes));
    else void handle(client, bytes);
  };

  const onNews = (news: KeeperNews) => {
    if (news.kind === 'refused')
      return tellWatchers({ id: news.id, state: 'refused', reason: news.reason.slice(0, 300) });
    if (news.kind !== 'final') return;
    const { height } = news.block.header;
    recent.set(height, news.bytes);
    recent.delete(height - limits.maxPush);
    for (const { id } of news.block.operations) tellWatchers({ id, state: 'final', height });
    for (const client of clients) push(client);
  };

  const stopListening = driver.news(onNews);
  const stopStatus = timers.every(milliseconds(limits.statusEveryMs), () => {
    const status = encodeLedgerMessage(statusMessage());
    for (const client of clients) if (client.next !== undefined) sendBytes(client, status);
  });

  return {
    maxMessageBytes: ledgerLimits.maxMessageBytes,
    open(wire, address) {
      const now = clock.monotonic();
      const client: Client = {
        id: `ledger-${++lastId}`,
        wire,
        address,
        next: undefined,
        speaksForKeeper: false,
        watched: new Set(),
        bucket: fullBucket(rate, now),
        refusals: fullBucket(limits.refusals, now),
        busy: 0,
        paused: false,
        gone: false,
      };
      clients.add(client);
      metrics.count('aivillage_ledger_connections_total');
      return {
        id: client.id,
        receive: (data) => receive(client, data),
        closed: () => leave(client),
      };
    },
    drain() {
      stopStatus();
      stopListening();
      for (const client of [...clients]) {
        leave(client);
        client.wire.close('going down');
        timers.after(milliseconds(2_000), () => client.wire.terminate());
      }
    },
    load: () => ({ connections: clients.size, watched: watchers.size }),
  };
};

/**
 * Work that gives way, slice by slice, to whatever else came in: votes must not stand in line behind operations, or a busy
 * committee loses the rounds that would clear the line.
 */
const createSlices = (now: () => number, sliceMs: number) => {
  let waiting: (() => void)[] = [];
  let isDue = false;
  const plan = () => {
    isDue = true;
    setImmediate(work);
  };
  const work = () => {
    isDue = false;
    const end = now() + sliceMs;
    let done = 0;
    while (done < waiting.length && (done === 0 || now() < end)) waiting[done++]?.();
    waiting = waiting.slice(done);
    if (waiting.length > 0 && !isDue) plan();
  };
  return {
    add(one: () => void) {
      waiting.push(one);
      if (!isDue) plan();
    },
  };
};

const mostBusy = ({ speaksForKeeper }: Client): number =>
  speaksForKeeper ? limits.maxBusyOfKeeper : limits.maxBusy;

/** How `{t: 'submit', …}` begins, the shortest key first: told without reading the message. */
const submitMark = encodeLedgerMessage({
  t: 'submit',
  bytes: new Uint8Array(),
  signature: new Uint8Array(),
}).subarray(0, 10);
const isSubmit = (bytes: Uint8Array): boolean =>
  equalBytes(bytes.subarray(0, submitMark.byteLength), submitMark);
