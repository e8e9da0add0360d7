import { describe, expect, it } from 'vitest';
import type { AccountId } from '../../../core/brand.ts';
import { fixtureAccount, fixtureOwnAccount } from '../../ledgerDoubles.ts';
import { fixturePeer } from '../../testDoubles.ts';
import { placeOf, viewOfPlace, walletTabs } from './place.ts';
import {
  accountCode,
  partyInWords,
  partyLantern,
  peopleHere,
  placeInWords,
  readAccount,
  readWhole,
} from './words.ts';

describe('a place on the screen', () => {
  it('is kept in the history entry', () => {
    for (const tab of walletTabs)
      for (const open of [undefined, '18220', 'a:b'])
        expect(placeOf(viewOfPlace({ tab, open }).item)).toEqual({ tab, open });
  });
  it('that is not known is the first tab', () => {
    expect(placeOf(undefined)).toEqual({ tab: 'money', open: undefined });
    expect(placeOf('elsewhere:1')).toEqual({ tab: 'money', open: undefined });
  });
});

describe('people', () => {
  it('are named, else by the start of their id', () => {
    const account = fixtureAccount(2);
    expect(partyInWords({ account, name: 'Kestrel', own: false })).toBe('Kestrel');
    expect(partyInWords({ account, name: 'Kestrel', own: true })).toBe('You');
    expect(partyInWords({ account, name: undefined, own: false })).toBe(`Account ${account.slice(0, 8)}…`);
  });

  it('wear the lantern of a tab that is here, else of the account', () => {
    const here = fixturePeer(4);
    const self = { peer: fixturePeer(11).status.peer };
    const party = { account: here.status.account, name: undefined, own: false };
    expect(partyLantern(party, [fixturePeer(0), here], self)).toBe(here.status.peer);
    expect(partyLantern(party, [], self)).toBe(party.account);
    expect(partyLantern({ ...party, own: true }, [here], self)).toBe(self.peer);
  });

  it('of one account are one, without oneself', () => {
    const mine = fixturePeer(3).status.account;
    expect(peopleHere([fixturePeer(0), fixturePeer(7), fixturePeer(3), fixturePeer(1)], mine)).toEqual([
      {
        account: fixturePeer(1).status.account,
        name: 'Anna’s laptop',
        lantern: fixturePeer(1).status.peer,
      },
      {
        account: fixturePeer(0).status.account,
        name: 'Kestrel, Juniper',
        lantern: fixturePeer(0).status.peer,
      },
    ]);
  });
});

describe('an account id', () => {
  it('is read with its prefix and without', () => {
    expect(readAccount(` ${fixtureOwnAccount} `)).toEqual({ ok: true, value: fixtureOwnAccount });
    expect(readAccount(accountCode(fixtureOwnAccount))).toEqual({ ok: true, value: fixtureOwnAccount });
    expect(readAccount(`AIVILLAGE:${fixtureOwnAccount}`).ok).toBe(true);
  });
  it.each([
    ['', 'Paste an account id'],
    [fixtureOwnAccount.slice(1), 'this has 42 characters'],
    ['av1-QQQQQ-QQQQQ', 'Never give a recovery key'],
    [`${'x'.repeat(42)}é`, 'An account id has 43'],
  ])('%j is refused in words', (text, words) => {
    const read = readAccount(text);
    expect(read.ok ? '' : read.error).toContain(words);
  });
  it('has a code of its own', () => expect(accountCode('x' as AccountId)).toBe('aivillage:x'));
});

describe('whole numbers', () => {
  it.each([
    ['0', 0],
    ['120000', 120_000],
    ['1 200 000', 1_200_000],
  ])('%j', (text, value) => expect(readWhole(text)).toEqual({ ok: true, value }));
  it.each(['', '1.5', '1,000', '-1', '1 00', '9007199254740993'])('%j is refused', (text) =>
    expect(readWhole(text).ok).toBe(false),
  );
});

it('a keeper is known by its host', () => {
  expect(placeInWords('')).toBe('the host of this page');
  expect(placeInWords('wss://attic.example:8443/ledger')).toBe('attic.example:8443');
});
