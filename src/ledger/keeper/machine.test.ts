import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import { applyBlock } from '../apply.ts';
import { buildEpochBlock, buildOperationsBlock } from '../build.ts';
import { initialState } from '../genesis.ts';
import { consensusBytes } from '../messages.ts';
import {
  createPerson,
  createTestGenesis,
  createTestKeeper,
  createTestSigner,
  openBodyOf,
  operationOf,
} from '../testDoubles.ts';
import type { Block, CertifiedBlock, LedgerState, ReadOperation } from '../types.ts';
import {
  createKeeper,
  type KeeperEffect,
  type KeeperOptions,
  type KeeperState,
  keeperDefaults,
  proposalOf,
  restoreKeeper,
  stepKeeper,
} from './index.ts';
import type { KeeperMessage, ReadMessage } from './types.ts';

const ada = createPerson('ada');
const bob = createPerson('bob');
const allocations = [{ account: ada.id, amount: 10_000_000 }];
const swarmOf = (keepers: number): LedgerState => initialState(createTestGenesis({ keepers, allocations }));
const optionsOf = (seat: number, change: Partial<KeeperOptions> = {}): KeeperOptions => ({
  ...keeperDefaults,
  signer: createTestKeeper(`${seat}`).signer,
  wallAtZeroMs: 1_700_000_000_000,
  ...change,
});
const openAda = (state: LedgerState): ReadOperation =>
  operationOf(state, ada.device, { account: ada.id, kind: 'open', body: openBodyOf(ada) });
const pay = (state: LedgerState, amount: number, seq: number, signer = ada.device): ReadOperation =>
  operationOf(state, signer, { account: ada.id, kind: 'transfer', body: { to: bob.id, amount }, seq });

/** A keeper in one hand: what it wants done is noted. */
const createRig = (keepers: number, seat = 0, change: Partial<KeeperOptions> = {}) => {
  const genesis = swarmOf(keepers);
  let now = 0;
  let [state, effects] = createKeeper(optionsOf(seat, change), genesis, now);
  const all: KeeperEffect[] = [...effects];
  const act = (event: Parameters<typeof stepKeeper>[1]) => {
    [state, effects] = stepKeeper(state, event, now);
    all.push(...effects);
    return effects;
  };
  const ring = (name: string, afterMs = 0) => {
    now += afterMs;
    return act({ kind: 'timer', name });
  };
  return {
    genesis,
    all,
    act,
    ring,
    begin: () => ring('grace', 3_000),
    submit: (operation: ReadOperation) =>
      act({ kind: 'operation', operation, from: 'owner', checkedAgainst: state.chain }),
    get state(): KeeperState {
      return state;
    },
    get records() {
      const records = new Map<string, Uint8Array>();
      for (const effect of all) {
        if (effect.kind === 'persist') records.set(effect.key, effect.record);
        if (effect.kind === 'forget')
          for (const key of records.keys()) if (key.startsWith(effect.prefix)) records.delete(key);
      }
      return records;
    },
  };
};

const signed = (seat: number, content: ReadMessage['content'], block?: Block): KeeperMessage => {
  const bytes = consensusBytes(content);
  const signature = createTestKeeper(`${seat}`).signer.sign(bytes);
  return { kind: 'message', seat, message: { content, bytes, signature }, block };
};
const voteOf = (seat: number, block: Block, type: 'prevote' | 'precommit', round = 0): KeeperMessage =>
  signed(seat, { net: block.header.net, type, height: block.header.height, round, value: block.id });
const proposalBy = (seat: number, block: Block, round = 0): KeeperMessage => {
  const { net, height } = block.header;
  return signed(seat, { net, type: 'proposal', height, round, value: block.id, validRound: -1 }, block);
};
const certify = (block: Block, seats: readonly number[]): CertifiedBlock => ({
  block,
  certificate: {
    round: 0,
    precommits: seats.map((voter) => {
      const vote = voteOf(voter, block, 'precommit');
      if (vote.kind !== 'message') throw new Error('a vote is a message');
      return { voter, signature: vote.message.signature };
    }),
  },
});
const blockWith = (state: LedgerState, operation: ReadOperation, creator = 0): Block => {
  const { block } = buildOperationsBlock(state, [operation], { creator, time: 1 });
  if (!block) throw new Error('the operation does not apply');
  return block;
};
const kinds = (effects: readonly KeeperEffect[]) => effects.map(({ kind }) => kind);
const said = (effects: readonly KeeperEffect[]) =>
  effects.flatMap((effect) =>
    effect.kind === 'broadcast' && effect.message.kind === 'message' ? [effect.message.message.content] : [],
  );

describe('a sole keeper', () => {
  it('listens first, then makes a waiting operation final by itself', () => {
    const rig = createRig(1);
    rig.submit(openAda(rig.genesis));
    expect(kinds(rig.ring('work'))).toEqual([]);
    rig.begin();
    expect(kinds(rig.ring('work'))).toContain('final');
    expect(rig.state.chain.position.height).toBe(1);
  });

  it('adopts the chain that others hold before it makes blocks', () => {
    const rig = createRig(1);
    const block = blockWith(rig.genesis, openAda(rig.genesis));
    const effects = rig.act({ kind: 'certified', certified: certify(block, [0]) });
    expect(kinds(effects)).toEqual(['final', 'forget', 'timer']);
    expect(rig.state.chain.position.head).toBe(block.id);
  });

  it('shows two final blocks of one height to everybody', () => {
    const rig = createRig(1);
    const block = blockWith(rig.genesis, openAda(rig.genesis));
    const other = buildEpochBlock(rig.genesis, { creator: 0, time: 2 });
    rig.act({ kind: 'certified', certified: certify(block, [0]) });
    expect(kinds(rig.act({ kind: 'certified', certified: certify(other, [0]) }))).toEqual(['dispute']);
  });

  it('ends an epoch when it is over, and makes no other block without operations', () => {
    const rig = createRig(1);
    rig.begin();
    expect(rig.ring('work')).toEqual([]);
    expect(kinds(rig.ring('epoch', 590_000))).toEqual(['timer']);
    rig.ring('epoch', 10_000);
    rig.ring('work');
    expect(rig.state.chain.epoch).toBe(1);
  });
});

describe('waiting operations', () => {
  it('go on to the other keepers if the owner brought them, once', () => {
    const rig = createRig(4);
    const operation = openAda(rig.genesis);
    expect(kinds(rig.submit(operation))).toEqual(['pass', 'timer']);
    expect(rig.submit(operation)).toEqual([]);
  });

  it('two of one number wait, a third is refused', () => {
    const rig = createRig(1);
    rig.begin();
    rig.submit(openAda(rig.genesis));
    rig.ring('work');
    const { chain } = rig.state;
    const results = [1, 2, 3].map((amount) => kinds(rig.submit(pay(chain, amount, 2))));
    expect(results).toEqual([['pass', 'timer'], ['pass'], ['refused']]);
    const final = rig.ring('work').find(({ kind }) => kind === 'final');
    expect(final?.kind === 'final' && final.certified.block.operations.length).toBe(1);
    expect(rig.state.pool).toEqual({ accounts: new Map(), bytes: 0 });
  });

  it('are refused if they were checked for a key that was rotated away meanwhile', () => {
    const rig = createRig(1);
    rig.begin();
    rig.submit(openAda(rig.genesis));
    rig.ring('work');
    const before = rig.state.chain;
    const next = createTestSigner("ada's next device");
    const rotation = {
      account: ada.id,
      kind: 'rotate',
      body: { key: next.publicKey, by: 'current' },
    } as const;
    rig.submit(operationOf(before, ada.device, rotation));
    rig.ring('work');
    const late = pay(rig.state.chain, 5, 3);
    const effects = rig.act({ kind: 'operation', operation: late, from: 'owner', checkedAgainst: before });
    expect(kinds(effects)).toEqual(['refused']);
    expect(kinds(rig.submit(pay(rig.state.chain, 5, 3, next)))).toEqual(['pass', 'timer']);
  });

  it('that do not apply are refused with the reason', () => {
    const rig = createRig(1);
    const [effect] = rig.submit(pay(rig.genesis, 5, 1));
    expect(effect).toMatchObject({ kind: 'refused' });
  });
});

describe('one keeper of four', () => {
  it('checks the signatures of a block before it votes for it', () => {
    const rig = createRig(4, 1);
    rig.begin();
    const block = blockWith(rig.genesis, openAda(rig.genesis));
    const effects = rig.act(proposalBy(0, block));
    expect(kinds(effects)).toEqual(['check']);
    const checked = rig.act({ kind: 'checked', block, signaturesHold: true });
    expect(said(checked)).toMatchObject([{ type: 'prevote', value: block.id }]);
  });

  it('votes for nothing if a signature does not hold', () => {
    const rig = createRig(4, 1);
    rig.begin();
    const block = blockWith(rig.genesis, openAda(rig.genesis));
    rig.act(proposalBy(0, block));
    const checked = rig.act({ kind: 'checked', block, signaturesHold: false });
    expect(said(checked)).toMatchObject([{ type: 'prevote', value: null }]);
  });

  it('needs no second check of what it checked on arrival', () => {
    const rig = createRig(4, 1);
    rig.begin();
    const operation = openAda(rig.genesis);
    rig.submit(operation);
    const effects = rig.act(proposalBy(0, blockWith(rig.genesis, operation)));
    expect(kinds(effects)).not.toContain('check');
    expect(said(effects)).toMatchObject([{ type: 'prevote' }]);
  });

  it('writes block and vote down before it says anything', () => {
    const rig = createRig(4, 1);
    rig.begin();
    const operation = openAda(rig.genesis);
    rig.submit(operation);
    const effects = rig.act(proposalBy(0, blockWith(rig.genesis, operation)));
    expect(kinds(effects).filter((kind) => kind === 'persist' || kind === 'broadcast')).toEqual([
      'persist',
      'persist',
      'broadcast',
    ]);
  });

  it('finds the end of an epoch timely from 590 of 600 parts on', () => {
    for (const [after, value] of [
      [586_999, 'nothing'],
      [587_000, 'it'],
    ] as const) {
      const rig = createRig(4, 1);
      rig.begin();
      const block = buildEpochBlock(rig.genesis, { creator: 0, time: 1 });
      rig.ring('none', after);
      const effects = rig.act(proposalBy(0, block));
      expect(said(effects)).toMatchObject([{ type: 'prevote', value: value === 'it' ? block.id : null }]);
    }
  });

  it('does not vote for a block that names another maker than its proposer', () => {
    const rig = createRig(4, 1);
    rig.begin();
    const operation = openAda(rig.genesis);
    rig.submit(operation);
    const effects = rig.act(proposalBy(0, blockWith(rig.genesis, operation, 2)));
    expect(said(effects)).toMatchObject([{ type: 'prevote', value: null }]);
  });

  it('says after a crash the very same again, and nothing else', () => {
    const rig = createRig(4, 1);
    rig.begin();
    const operation = openAda(rig.genesis);
    const block = blockWith(rig.genesis, operation);
    rig.submit(operation);
    rig.act(proposalBy(0, block));
    for (const seat of [0, 2]) rig.act(voteOf(seat, block, 'prevote'));
    const before = said(rig.all);
    expect(before.map(({ type }) => type)).toEqual(['prevote', 'precommit']);
    const stored = { chain: rig.genesis, records: rig.records };
    const [restored] = unwrap(restoreKeeper(optionsOf(1), stored, 0));
    const [again, effects] = stepKeeper(restored, { kind: 'timer', name: 'grace' }, 3_000);
    expect(said(effects)).toEqual(before);
    expect(proposalOf(again, block.id)).toMatchObject({ seat: 0, block: { id: block.id } });
  });

  it('never votes again once told that its disk is an old one, not even after another restart', () => {
    const [state, effects] = unwrap(
      restoreKeeper(optionsOf(1, { restored: true }), { chain: swarmOf(4), records: [] }, 0),
    );
    expect(state.phase).toBe('watching');
    const records = effects.flatMap((effect) =>
      effect.kind === 'persist' ? [[effect.key, effect.record] as const] : [],
    );
    const [later] = unwrap(restoreKeeper(optionsOf(1), { chain: swarmOf(4), records }, 0));
    expect(stepKeeper(later, { kind: 'timer', name: 'grace' }, 9_000)[0].height).toBeUndefined();
  });

  it.each(['a vote', 'a certificate'])(
    'falls silent when it meets %s of its own that it does not remember',
    (what) => {
      const rig = createRig(4, 1);
      const block = blockWith(rig.genesis, openAda(rig.genesis));
      const effects = rig.act(
        what === 'a vote'
          ? voteOf(1, block, 'prevote')
          : { kind: 'certified', certified: certify(block, [0, 1, 2]) },
      );
      expect(kinds(effects)).toEqual(expect.arrayContaining(['persist', 'amnesia']));
      expect(rig.begin()).toEqual([]);
      expect(rig.state.phase).toBe('watching');
    },
  );

  it('gives up what it was about to agree on when the block comes certified', () => {
    const rig = createRig(4, 3);
    rig.begin();
    const block = blockWith(rig.genesis, openAda(rig.genesis));
    const { state } = unwrap(applyBlock(rig.genesis, block));
    rig.act(proposalBy(0, block));
    rig.act({ kind: 'certified', certified: certify(block, [0, 1, 2]) });
    expect(rig.state.chain.position).toEqual(state.position);
    expect(rig.act({ kind: 'checked', block, signaturesHold: true })).toEqual([]);
  });

  it('asks once for news when it hears of heights that it has not reached', () => {
    const rig = createRig(4, 3);
    rig.begin();
    const { net } = rig.genesis;
    const ahead = signed(0, { net, type: 'prevote', height: 9, round: 0, value: null });
    expect(kinds(rig.act(ahead))).toEqual(['fetch']);
    expect(rig.act(ahead)).toEqual([]);
  });
});

describe('a disk', () => {
  it.each([
    ['h/1/00000000', Uint8Array.of(1, 2, 3)],
    ['h/1/00000001', Uint8Array.of(0xa0)],
    ['elsewhere', Uint8Array.of(0xa0)],
  ])('with a record %s that nobody can read is refused', (key, record) => {
    const restored = restoreKeeper(optionsOf(1), { chain: swarmOf(4), records: [[key, record]] }, 0);
    expect(restored.ok).toBe(false);
  });
});
