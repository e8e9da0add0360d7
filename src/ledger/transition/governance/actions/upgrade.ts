import * as v from 'valibot';
import { err, fault, ok } from '../../../../core/result.ts';
import { shortText } from '../../../schemas.ts';
import { governanceLimits } from '../limits.ts';
import type { ActionRule } from './rule.ts';

/** Pins a build by its hash. Who runs another sees it by comparing; nothing is loaded by it. */
export const upgradeRule: ActionRule<'upgrade'> = {
  schema: v.strictObject({
    kind: v.literal('upgrade'),
    build: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'is no SHA-256 in lower-case hex')),
    url: v.exactOptional(shortText(256)),
  }),
  majority: 'two-thirds',
  check: (state, { build }) =>
    state.governance.upgrades.at(-1)?.build === build
      ? err(fault('operation', 'this build is the pinned one already'))
      : ok(undefined),
  execute(draft, { build, url = '' }, { id }, { epoch }) {
    const upgrades = [...draft.governance.upgrades, { build, url, epoch, proposal: id }];
    draft.governance = { ...draft.governance, upgrades: upgrades.slice(-governanceLimits.maxUpgrades) };
    return ok(undefined);
  },
};
