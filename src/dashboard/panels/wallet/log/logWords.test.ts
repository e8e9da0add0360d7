import { describe, expect, it } from 'vitest';
import type { OpenLedgerView } from '../../../../app/readModels.ts';
import { fixtureLedger } from '../../../ledgerDoubles.ts';
import {
  agreementInWords,
  behindInWords,
  blockInWords,
  checkHoldings,
  heightInWords,
  itemFileName,
  placeInWords,
  verdictInWords,
} from './logWords.ts';

const { chain } = fixtureLedger('open', 0) as OpenLedgerView;

describe('who orders', () => {
  it('is said with what it protects from', () => {
    expect(agreementInWords(chain)).toBe('3 of 4 keepers must agree; one may lie or be gone');
    expect(agreementInWords({ keepers: chain.keepers.slice(0, 1), quorum: 1, faults: 0 })).toBe(
      'one keeper orders alone',
    );
  });
});

describe('what a check says', () => {
  it('is about the proof where something is to be proved, else about what was opened', () => {
    expect(verdictInWords('fork', true)).toEqual({
      title: 'The proof holds.',
      text: 'Verified by this browser, now.',
    });
    expect(verdictInWords('evidence', false).title).toBe('This proves nothing.');
    expect(verdictInWords('block', true).title).toBe('Everything holds.');
    expect(verdictInWords('account', false).text).toContain('Trust nothing');
  });
});

describe('the sum of all money', () => {
  it('is what was minted less what was burned', () => {
    expect(checkHoldings(chain)).toEqual({ held: 280_561_400_000, due: 280_561_400_000, holds: true });
  });
  it('one µVC too much is seen', () => {
    const holdings = [...chain.holdings, { where: 'Nowhere', amount: 1 }];
    expect(checkHoldings({ ...chain, holdings }).holds).toBe(false);
  });
});

it('blocks and heights are counted in words', () => {
  expect(blockInWords({ kind: 'epoch', operations: 0 })).toBe('End of an epoch');
  expect(blockInWords({ kind: 'operations', operations: 1 })).toBe('1 operation');
  expect(behindInWords(0)).toBe('up to date');
  expect(behindInWords(37)).toBe('37 blocks behind');
  expect(heightInWords(undefined)).toBe('–');
  expect(heightInWords(18_220)).toBe('18,220');
});

it('a file is named by what it holds', () => {
  expect(itemFileName('block', 'abcdefghijklmnop', 'cbor')).toBe('block-abcdefghijkl.cbor');
});

it('a keeper is known by its host', () => {
  expect(placeInWords('')).toBe('the host of this page');
  expect(placeInWords('wss://attic.example:8443/ledger')).toBe('attic.example:8443');
});
