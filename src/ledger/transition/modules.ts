import { governance } from './governance/index.ts';
import { market } from './market/index.ts';
import { mint } from './mint/index.ts';

/** In the order in which they end an epoch: what was earned, then prices, then votes over what is. */
export const modules = { mint, market, governance } as const;
