import { readFileSync } from 'node:fs';

/** Of this program, as its package says: started beside it or not, it stands one or two folders above. */
export const programVersion = (base: string = import.meta.url): string => {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const read: unknown = JSON.parse(readFileSync(new URL(path, base), 'utf8'));
      if (typeof read === 'object' && read && 'version' in read && typeof read.version === 'string')
        return read.version;
    } catch {
      // not there
    }
  }
  return 'unknown';
};
