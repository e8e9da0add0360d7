import { describe, expect, it } from 'vitest';
import { unwrap } from '../core/result.ts';
import { applyBlock } from './apply.ts';
import { audit, holdingsOf } from './audit.ts';
import { blockBytes, blockOf, readBlock } from './block.ts';
import { buildEpochBlock, buildOperationsBlock } from './build.ts';
import { initialState } from './genesis.ts';
import { checkSignatures } from './signatures.ts';
import { stateRootOf } from './stateRoot.ts';
import {
  beaconChain,
  createPerson,
  createTestGenesis,
  createTestLedger,
  createTestSigner,
  openBodyOf,
  operationOf,
  testCrypto,
} from './testDoubles.ts';
import type { LedgerState, OperationsHeader } from './types.ts';

const ada = createPerson('ada');
const bob = createPerson('bob');
const vcoin = 1_000_000;

const createLedger = () => {
  const ledger = createTestLedger(
    createTestGenesis({ allocations: [{ account: ada.id, amount: 100 * vcoin }] }),
  );
  ledger.open(ada);
  return ledger;
};

describe('a transfer', () => {
  it('takes amount and fee from one, gives the amount to the other and the fee to the treasury', () => {
    const ledger = createLedger();
    const treasury = ledger.state.treasury;
    expect(ledger.act(ada, 'transfer', { to: bob.id, amount: 30 * vcoin })).toBeUndefined();
    expect(ledger.balance(ada)).toBe(70 * vcoin - 1_000);
    expect(ledger.balance(bob)).toBe(30 * vcoin);
    expect(ledger.state.treasury).toBe(treasury + 1_000);
    expect(holdingsOf(ledger.state).balances).toBe(100 * vcoin - 1_000);
  });

  it('may empty an account and not go below', () => {
    const ledger = createLedger();
    expect(ledger.act(ada, 'transfer', { to: bob.id, amount: 100 * vcoin })).toMatch(/needs 100\.001 VC/);
    expect(ledger.act(ada, 'transfer', { to: bob.id, amount: 100 * vcoin - 1_000 })).toBeUndefined();
    expect(ledger.balance(ada)).toBe(0);
  });

  it('to oneself, or of more than there is, is refused and changes nothing', () => {
    const ledger = createLedger();
    const before = ledger.state;
    expect(ledger.act(ada, 'transfer', { to: ada.id, amount: 1 })).toMatch(/moves nothing/);
    expect(ledger.act(ada, 'transfer', { to: bob.id, amount: Number.MAX_SAFE_INTEGER })).toMatch(/more than/);
    expect(ledger.state).toBe(before);
  });

  it('is in the histories of both', () => {
    const ledger = createLedger();
    ledger.act(ada, 'transfer', { to: bob.id, amount: 5, memo: 'tea' });
    expect(ledger.events.map(({ account, what, amount }) => [account, what, amount])).toEqual([
      [ada.id, 'sent', -5],
      [ada.id, 'fee', -1_000],
      [bob.id, 'received', 5],
    ]);
  });
});

describe('the envelope of an operation', () => {
  const ledger = createLedger();
  const state = ledger.state;
  const pay = { account: ada.id, kind: 'transfer', body: { to: bob.id, amount: 1 } } as const;
  const refusalOf = (content: Parameters<typeof operationOf<'transfer'>>[2], over: LedgerState = state) =>
    buildOperationsBlock(over, [operationOf(state, ada.device, content)], { creator: 0, time: 0 }).refused[0]
      ?.reason;

  it('carries the next number: neither an old nor a later one is applied', () => {
    expect(refusalOf({ ...pay, seq: 1 })).toMatch(/number is 1, the account's next is 2/);
    expect(refusalOf({ ...pay, seq: 3 })).toMatch(/number is 3/);
    expect(refusalOf({ ...pay, seq: 2 })).toBeUndefined();
  });

  it('is valid from now to six epochs later', () => {
    expect(refusalOf({ ...pay, validUntil: state.epoch + 7 })).toMatch(/more than 6 epochs/);
    expect(refusalOf({ ...pay, validUntil: state.epoch + 6 })).toBeUndefined();
    const later = { ...state, epoch: state.epoch + 3 };
    expect(refusalOf({ ...pay, validUntil: state.epoch + 2 }, later)).toMatch(/ended with epoch 2/);
  });

  it('names one swarm, and an account that was opened', () => {
    const elsewhere = initialState(createTestGenesis({ treasury: 7 }));
    expect(refusalOf(pay, elsewhere)).toMatch(/another swarm/);
    const unknown = operationOf(state, bob.device, { ...pay, account: bob.id });
    const { refused } = buildOperationsBlock(state, [unknown], { creator: 0, time: 0 });
    expect(refused[0]?.reason).toMatch(/never opened/);
  });
});

describe('keys', () => {
  it('an account is opened once, by a certificate of the recovery key it is the hash of', () => {
    const ledger = createLedger();
    expect(ledger.act(ada, 'open', openBodyOf(ada))).toMatch(/open already/);
    expect(ledger.act(bob, 'open', openBodyOf(ada))).toMatch(/another account/);
    expect(ledger.act(bob, 'open', openBodyOf(bob))).toBeUndefined();
  });

  it('are changed by the current or the recovery key; the recovery key by itself alone', async () => {
    const ledger = createLedger();
    const thief = createTestSigner('thief');
    const rotated = { key: thief.publicKey, by: 'recovery' } as const;
    const attempt = async (
      kind: 'rotate' | 'recovery',
      body: { readonly key: typeof thief.publicKey; readonly by?: 'current' | 'recovery' },
      signer: typeof thief,
    ) => {
      const operation = operationOf(ledger.state, signer, {
        account: ada.id,
        kind: kind as 'rotate',
        body: body as typeof rotated,
      });
      return (await checkSignatures(ledger.state, [operation], testCrypto)).ok;
    };
    expect(await attempt('rotate', rotated, thief)).toBe(false);
    expect(await attempt('rotate', rotated, ada.device)).toBe(false);
    expect(await attempt('rotate', rotated, ada.recovery)).toBe(true);
    expect(await attempt('rotate', { key: thief.publicKey, by: 'current' }, ada.device)).toBe(true);
    expect(await attempt('recovery', { key: thief.publicKey }, ada.device)).toBe(false);
    expect(await attempt('recovery', { key: thief.publicKey }, ada.recovery)).toBe(true);
  });

  it('are followed through a block: what is signed by a key of the same block holds', async () => {
    const state = createLedger().state;
    const fresh = createTestSigner("ada's new device");
    const rotate = operationOf(state, ada.device, {
      account: ada.id,
      kind: 'rotate',
      body: { key: fresh.publicKey, by: 'current' },
    });
    const pay = { account: ada.id, kind: 'transfer', body: { to: bob.id, amount: 1 }, seq: 3 } as const;
    const [byNew, byOld] = [operationOf(state, fresh, pay), operationOf(state, ada.device, pay)];
    expect((await checkSignatures(state, [rotate, byNew], testCrypto)).ok).toBe(true);
    expect((await checkSignatures(state, [rotate, byOld], testCrypto)).ok).toBe(false);
  });
});

describe('a block', () => {
  const ledger = createLedger();
  const state = ledger.state;
  const pay = operationOf(state, ada.device, {
    account: ada.id,
    kind: 'transfer',
    body: { to: bob.id, amount: 1 },
  });
  const block = buildOperationsBlock(state, [pay], { creator: 0, time: 5 }).block;
  if (!block) throw new Error('no block');
  const header = block.header as OperationsHeader;
  const refusalOf = (changed: Partial<OperationsHeader>) => {
    const applied = applyBlock(state, blockOf({ ...header, ...changed }, block.operations));
    return applied.ok ? 'applied' : applied.error.message;
  };

  it('follows the last one, in its swarm and epoch, by one of its keepers', () => {
    expect(refusalOf({})).toBe('applied');
    expect(refusalOf({ height: header.height + 1 })).toMatch(/after 1 comes 2/);
    expect(refusalOf({ previous: block.id })).toMatch(/follows another block/);
    expect(refusalOf({ epoch: 1 })).toMatch(/of epoch 1, the present one is 0/);
    expect(refusalOf({ creator: 1 })).toMatch(/no keeper 1/);
    expect(refusalOf({ operations: 2 })).toMatch(/not those of its header/);
    expect(refusalOf({ operationsRoot: new Uint8Array(32) })).toMatch(/not those of its header/);
  });

  it('is not taken for one that was looked at before because its header is the same', () => {
    const read = unwrap(readBlock(blockBytes(block)));
    expect(applyBlock(state, read).ok).toBe(true);
    const [operation] = read.operations;
    if (!operation) throw new Error('it holds an operation');
    const signature = new Uint8Array(64);
    const changed = applyBlock(state, { ...read, operations: [{ ...operation, signature }] });
    expect(changed).toMatchObject({ ok: false, error: { message: expect.stringMatching(/not those of/) } });
  });

  it('with one operation that does not apply is refused whole', () => {
    const twice = blockOf({ ...header, operations: 2 }, [pay, pay]);
    const applied = applyBlock(state, {
      ...twice,
      header: { ...twice.header, operationsRoot: header.operationsRoot },
    });
    expect(applied.ok).toBe(false);
  });

  it('is read back from its bytes, and refused with bytes after its end', () => {
    const bytes = blockBytes(block);
    expect(unwrap(readBlock(bytes)).id).toBe(block.id);
    expect(readBlock(new Uint8Array([...bytes, 0])).ok).toBe(false);
    for (let cut = 0; cut < bytes.length; cut += 7) expect(readBlock(bytes.slice(0, cut)).ok).toBe(false);
  });
});

describe('an epoch block', () => {
  it('says the state it ends with, and is refused if it says another', () => {
    const { state } = createLedger();
    const honest = buildEpochBlock(state, { creator: 0, time: 9 });
    const applied = unwrap(applyBlock(state, honest)).state;
    expect(applied.epoch).toBe(1);
    const { header } = honest;
    if (header.kind !== 'epoch') throw new Error('no epoch block');
    expect(header.stateRoot).toEqual(stateRootOf(applied));
    const refusal = (changed: object) => {
      const result = applyBlock(state, blockOf({ ...header, ...changed }, []));
      return result.ok ? 'applied' : result.error.message;
    };
    expect(refusal({ stateRoot: new Uint8Array(32) })).toMatch(/state root/);
    expect(refusal({ supply: { minted: header.supply.minted + 1, burned: 0 } })).toMatch(/another supply/);
    expect(refusal({ keepers: [...header.keepers, ...header.keepers] })).toMatch(/other keepers/);
  });

  it('takes randomness from what keepers revealed of chains they had committed to', () => {
    const ledger = createLedger();
    const [first, second] = beaconChain('0', 64);
    if (!first || !second) throw new Error('no chain');
    expect(ledger.act(ada, 'beacon', { keeper: 0, preimage: second })).toMatch(/not the keeper's next/);
    expect(ledger.act(ada, 'beacon', { keeper: 0, preimage: first })).toBeUndefined();
    expect(ledger.act(ada, 'beacon', { keeper: 0, preimage: first })).toMatch(/already/);
    ledger.endEpochs();
    expect(ledger.act(ada, 'beacon', { keeper: 0, preimage: second })).toBeUndefined();
  });
});

describe('the audit', () => {
  it('finds money that came from nowhere, in a balance or in a sum', () => {
    const { state } = createLedger();
    const known = state.accounts.get(ada.id);
    if (!known) throw new Error('no account');
    const richer = { ...state, accounts: state.accounts.set(ada.id, { ...known, balance: 1e9 }) };
    expect(audit(richer)).toMatchObject({ ok: false });
    expect(audit({ ...state, treasury: state.treasury + 1 })).toMatchObject({ ok: false });
    expect(audit(state)).toMatchObject({ ok: true });
  });
});
