/**
 * `npm run interop [NAME …]`: what the product must get along with outside of itself, each as it really is: other browsers,
 * networks, relays. Run by hand, because machines differ in what they can do.
 */
import { parseArgs } from 'node:util';
import { buildAll, installPackages } from '../../scripts/setup.mjs';
import { blocked } from './blocked.mts';
import { firefox } from './firefox.mts';
import { network } from './network.mts';
import { smallMtu } from './smallMtu.mts';
import { turn } from './turn.mts';
import { webkit } from './webkit.mts';

/** Resolves with what was seen, in one line; rejects with what is wrong; `skipped: …` says what the machine lacks. */
export type Scenario = () => Promise<string>;

const scenarios: Record<string, Scenario> = { firefox, webkit, turn, blocked, mtu: smallMtu, network };

const main = async (): Promise<boolean> => {
  const { positionals } = parseArgs({ allowPositionals: true });
  const names = positionals.length > 0 ? positionals : Object.keys(scenarios);
  const unknown = names.filter((name) => scenarios[name] === undefined);
  if (unknown.length > 0)
    throw new Error(`no scenario ${unknown.join(', ')}: there are ${Object.keys(scenarios).join(', ')}`);
  installPackages();
  buildAll();
  let failed = false;
  for (const name of names) {
    try {
      const seen = (await scenarios[name]?.()) ?? '';
      console.log(seen.startsWith('skipped:') ? `-- ${name} ${seen}` : `ok ${name} ${seen}`);
    } catch (cause) {
      failed = true;
      console.log(`FAILED ${name} ${cause instanceof Error ? cause.message : cause}`);
    }
  }
  return failed;
};

main().then(
  (failed) => process.exit(failed ? 1 : 0),
  (cause: unknown) => {
    console.error(cause instanceof Error ? cause.message : cause);
    process.exit(1);
  },
);
