import { describe, expect, it } from 'vitest';
import type { Bytes } from '../../core/bytes.ts';
import { unwrap } from '../../core/result.ts';
import { encodeLedgerMessage, type FromKeeper, readToKeeper, type ToKeeper } from '../protocol.ts';
import type { BlockId, NetId, OperationId } from '../types.ts';
import type { KeeperAnswer } from '../wallet/wallet.ts';
import { openKeeperSocket } from './keeperSocket.ts';
import type { SourceNews } from './source.ts';

const net = 'n'.repeat(43) as NetId;
const head = 'h'.repeat(43) as BlockId;
const status: FromKeeper = { t: 'status', v: 1, net, height: 7, head, epoch: 1, earliest: 1 };

const open = () => {
  const sent: ToKeeper[] = [];
  const timers: { delay: number; run: () => void }[] = [];
  let opened = 0;
  let on: { open(): void; message(bytes: Bytes): void; closed(): void } | undefined;
  const keeper = openKeeperSocket(
    {
      openSocket(_url, handlers) {
        opened++;
        on = handlers;
        return { send: (bytes) => void sent.push(unwrap(readToKeeper(bytes))), close() {} };
      },
      timers: {
        after(delay, run) {
          const timer = { delay, run };
          timers.push(timer);
          return () => void timers.splice(timers.indexOf(timer), 1);
        },
      },
      random: () => 0.5,
    },
    { name: 'keeper', url: 'wss://keeper/ledger', net, height: () => 3 },
  );
  const news: SourceNews[] = [];
  const answers: KeeperAnswer[] = [];
  keeper.news((one) => news.push(one));
  keeper.answers((one) => answers.push(one));
  const say = (message: FromKeeper) => on?.message(encodeLedgerMessage(message));
  return { keeper, sent, timers, news, answers, say, on: () => on, opened: () => opened };
};

describe('a keeper’s socket', () => {
  it('says hello, and gives the blocks that were asked for', async () => {
    const { keeper, sent, say, on } = open();
    on()?.open();
    expect(sent).toEqual([{ t: 'hello', v: 1, net, height: 3 }]);
    expect(await keeper.blocks(3, 10)).toMatchObject({ error: { code: 'away' } });
    say(status);
    expect(keeper.status()).toEqual({ height: 7, earliest: 1 });
    const asked = keeper.blocks(3, 10);
    expect(await keeper.blocks(3, 10)).toMatchObject({ error: { code: 'refused' } });
    say({ t: 'blocks', after: 3, blocks: [Uint8Array.of(1)], height: 7 });
    expect(await asked).toEqual({ ok: true, value: { from: 'keeper', frames: [Uint8Array.of(1)] } });
    const other = keeper.blocks(4, 10);
    say({ t: 'blocks', after: 3, blocks: [], height: 7 });
    expect(await other).toMatchObject({ error: { code: 'refused' } });
  });

  it('passes on new blocks, and what became of operations', () => {
    const { keeper, sent, say, on, news, answers } = open();
    on()?.open();
    say(status);
    keeper.send([{ bytes: Uint8Array.of(1), signature: new Uint8Array(64) }]);
    expect(sent.at(-1)).toMatchObject({ t: 'submit' });
    const id = 'o'.repeat(43) as OperationId;
    say({ t: 'submitted', id, state: 'final', height: 8 });
    say({ t: 'block', bytes: Uint8Array.of(9) });
    expect(answers).toEqual([{ from: 'keeper', id, state: 'final', height: 8 }]);
    expect(news.at(-1)).toEqual({ kind: 'block', from: 'keeper', bytes: Uint8Array.of(9) });
  });

  it('comes back after a loss, later and later, and says meanwhile that it is away', async () => {
    const { keeper, say, on, timers, opened } = open();
    on()?.open();
    say(status);
    const asked = keeper.snapshot(0);
    on()?.closed();
    expect(await asked).toMatchObject({ error: { code: 'away' } });
    expect(keeper.status()).toBeUndefined();
    for (const delay of [1_000, 2_000, 4_000]) {
      const timer = timers.pop();
      expect(timer?.delay).toBe(delay);
      timer?.run();
      on()?.closed();
    }
    expect(opened()).toBe(4);
    keeper.close();
    timers.length = 0;
    on()?.closed();
    expect(timers).toEqual([]);
  });

  it('gives up a question that is not answered', async () => {
    const { keeper, say, timers } = open();
    say(status);
    const asked = keeper.blocks(3, 1);
    timers.pop()?.run();
    expect(await asked).toMatchObject({ error: { code: 'late' } });
  });

  it('takes one that says nothing any more for gone, and comes back', () => {
    const { keeper, say, on, timers, opened } = open();
    on()?.open();
    say(status);
    say({ ...status, height: 8 });
    const watching = timers.filter(({ delay }) => delay > 60_000);
    expect(watching).toHaveLength(1);
    const old = on();
    watching[0]?.run();
    expect(keeper.status()).toBeUndefined();
    old?.message(encodeLedgerMessage(status));
    old?.closed();
    expect(keeper.status()).toBeUndefined();
    timers.find(({ delay }) => delay === 1_000)?.run();
    expect(opened()).toBe(2);
    on()?.open();
    say(status);
    expect(keeper.status()).toEqual({ height: 7, earliest: 1 });
    keeper.close();
    expect(timers.filter(({ delay }) => delay > 60_000)).toEqual([]);
  });

  it.each([
    ['garbage', (at: ReturnType<typeof open>) => at.on()?.message(Uint8Array.of(0xff))],
    ['another swarm', (at: ReturnType<typeof open>) => at.say({ ...status, net: 'x'.repeat(43) as NetId })],
  ])('leaves a keeper that speaks of %s for ten minutes', (_name, speak) => {
    const socket = open();
    speak(socket);
    expect(socket.keeper.status()).toBeUndefined();
    expect(socket.timers.map(({ delay }) => delay)).toEqual([600_000]);
  });
});
