/** A real tab with files that lie on a disk, and how much memory its process takes. Knows nothing of models. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright';
import { browserFlags, ensureBrowser } from '../../scripts/lib/browser.mjs';
import { startHost } from '../../scripts/lib/village.ts';
import { bundlePage, openBundle } from '../bundle.ts';

export type Tab = { readonly page: Page; close(): Promise<void> };

/** Not as the other benches do it: in a context without a profile the private files are in the browser's memory. */
export const openTab = async (entry: string, ready: string): Promise<Tab> => {
  const bundle = await bundlePage(entry);
  const host = await startHost();
  const profile = mkdtempSync(join(tmpdir(), 'aivillage-bench-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: await ensureBrowser(),
    args: [...browserFlags],
  });
  const page = await context.newPage();
  await openBundle(page, bundle, host.url);
  await page.waitForFunction(`globalThis.${ready} !== undefined`);
  return {
    page,
    async close() {
      await context.close();
      await host.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
};

/**
 * The most memory that the tab's process had, over the least it had while it was watched: all of it that is no file's, garbage
 * that nobody has collected yet included. The least, and not the first, because what an ended worker had goes only by and by.
 * Undefined where there is no /proc.
 */
export const watchMemory = () => {
  const processes = renderersBelow(process.pid);
  const read = () => processes.reduce((sum, pid) => sum + anonymousBytes(pid), 0);
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  const look = () => {
    const bytes = read();
    least = Math.min(least, bytes);
    most = Math.max(most, bytes);
  };
  look();
  const timer = setInterval(look, 5);
  return {
    stop(): number | undefined {
      clearInterval(timer);
      look();
      return most === 0 ? undefined : most - least;
    },
  };
};

const renderersBelow = (root: number): readonly number[] => {
  const parents = new Map(
    list('/proc').flatMap((name) => (/^\d+$/.test(name) ? [[Number(name), parentOf(name)] as const] : [])),
  );
  const tree = new Set([root]);
  for (const pid of tree) for (const [child, parent] of parents) if (parent === pid) tree.add(child);
  return [...tree].filter((pid) => textOf(`/proc/${pid}/cmdline`).includes('--type=renderer'));
};

const parentOf = (pid: string): number => {
  const stat = textOf(`/proc/${pid}/stat`);
  // The name stands in brackets and may hold blanks; what follows is state, parent, …
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
};

const anonymousBytes = (pid: number): number =>
  1024 * Number(/^RssAnon:\s+(\d+) kB/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0);

const list = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

const textOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // it has just ended
  }
};
