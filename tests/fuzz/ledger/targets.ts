import type { FuzzTarget } from '../decoders.ts';
import { vocabularyOf } from './corpus.ts';
import { ledgerReaders } from './readers.ts';
import { createVillage } from './village.ts';
import { createWalk } from './walk.ts';

const villageSeed = 2;

/** Two villages, as neither has everything: only where the host governs is a proposal carried out at once. */
export const createVillages = () => ({
  voters: createVillage(false, villageSeed),
  host: createVillage(true, villageSeed),
});

export const createLedgerTargets = ({ voters, host } = createVillages()): readonly FuzzTarget[] => {
  const words = vocabularyOf(host);
  return [
    ...ledgerReaders(host, words),
    createWalk('ledger: a village that votes', voters, vocabularyOf(voters)),
    createWalk('ledger: a village with a host', host, words),
  ];
};
