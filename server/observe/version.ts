import { readFileSync } from 'node:fs';
import * as v from 'valibot';

const packageSchema = v.object({ name: v.literal('aivillage'), version: v.string() });

/** Of this program, as its package says: run from its sources, or from a chunk of what is built of them. */
export const programVersion = (base: string = import.meta.url): string => {
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const read: unknown = JSON.parse(readFileSync(new URL(path, base), 'utf8'));
      const found = v.safeParse(packageSchema, read);
      if (found.success) return found.output.version;
    } catch {
      // not there
    }
  }
  return 'unknown';
};
