import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { err, ok, type Result } from '../src/core/result.ts';
import type { DynamicPage } from './http.ts';
import type { Log } from './log.ts';

/**
 * Pages that this host offers as public work. A folder is one list: its files by name, so that unit i of a listing is its i-th
 * page for everybody. A folder is read once; a file that changes afterwards is not served, because tabs work on what was listed.
 */
export const publicWorkLimits = {
  minInputs: 2,
  maxInputs: 4_096,
  maxFileBytes: 32 * 1024 * 1024,
  maxFolders: 16,
} as const;

export type PublicInput = {
  readonly sha256: string;
  readonly bytes: number;
  readonly type: 'image/png' | 'image/jpeg' | 'image/webp';
};
type Found = PublicInput & { readonly path: string };

export interface PublicWork {
  readonly pages: number;
  /** /public-work/list and /public-work/<sha256>; undefined: nothing is there. */
  answer(path: string): Promise<ReturnType<DynamicPage> | undefined>;
}

/** Every problem is listed, not only the first: whoever collects a thousand pages should not start a thousand times. */
export const openPublicWork = async (
  deps: { readonly log: Log },
  folders: readonly string[],
): Promise<Result<PublicWork, readonly string[]>> => {
  const problems: string[] = [];
  const lists: { readonly name: string; readonly inputs: readonly Found[] }[] = [];
  if (folders.length > publicWorkLimits.maxFolders)
    problems.push(`there are ${folders.length} folders, at most ${publicWorkLimits.maxFolders} are served`);
  for (const folder of folders.slice(0, publicWorkLimits.maxFolders)) {
    const read = await readFolder(folder);
    if (read.ok) lists.push({ name: basename(resolve(folder)), inputs: read.value });
    else problems.push(...read.error);
  }
  const all = lists.flatMap(({ inputs }) => inputs);
  problems.push(...twice(all));
  if (problems.length > 0) return err(problems.map((problem) => `AIVILLAGE_PUBLIC_WORK: ${problem}`));
  warnOfLossy(deps.log, all);
  return ok({ pages: all.length, answer: createAnswers(deps.log, lists) });
};

const createAnswers = (
  log: Log,
  lists: readonly { readonly name: string; readonly inputs: readonly Found[] }[],
): PublicWork['answer'] => {
  const told = lists.map(({ name, inputs }) => ({
    name,
    inputs: inputs.map(({ sha256, bytes, type }): PublicInput => ({ sha256, bytes, type })),
  }));
  const list = `${JSON.stringify({ v: 1, lists: told })}\n`;
  const inputsByPath: ReadonlyMap<string, Found> = new Map(
    lists.flatMap(({ inputs }) => inputs.map((input) => [`/public-work/${input.sha256}`, input] as const)),
  );
  return async (path) => {
    if (path === '/public-work/list')
      return { status: 200, type: 'application/json; charset=utf-8', body: list };
    const input = inputsByPath.get(path);
    if (!input) return undefined;
    const body = await readSame(input);
    if (body) return { status: 200, type: input.type, body, headers: immutable };
    log('error', 'a page of public work is not what was listed', { path: input.path });
    const text = 'This page was changed since the host listed it: put it back, or restart the host.\n';
    return { status: 503, type: 'text/plain; charset=utf-8', body: text };
  };
};
const immutable = { 'Cache-Control': 'public, max-age=31536000, immutable' };

/** Undefined if the file is gone or another. The size first: what was swapped may be of any length. */
const readSame = async ({ path, bytes, sha256 }: Found): Promise<Buffer | undefined> => {
  try {
    if ((await stat(path)).size !== bytes) return undefined;
    const content = await readFile(path);
    return hashOf(content) === sha256 ? content : undefined;
  } catch {
    return undefined;
  }
};

const readFolder = async (folder: string): Promise<Result<readonly Found[], readonly string[]>> => {
  const { minInputs, maxInputs } = publicWorkLimits;
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: Error) => cause.message);
  if (typeof entries === 'string') return err([`${folder} can't be read (${entries})`]);
  const shown = entries.filter(({ name }) => !name.startsWith('.'));
  if (shown.length < minInputs || shown.length > maxInputs)
    return err([`${folder} has ${shown.length} pages, a list has ${minInputs} to ${maxInputs}`]);
  const problems: string[] = [];
  const inputs: Found[] = [];
  // By UTF-16 units: the order may not depend on the host's language.
  for (const entry of shown.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    const read = entry.isFile() ? await readInput(path) : err(`${path} is no file: pages lie side by side`);
    if (read.ok) inputs.push(read.value);
    else problems.push(read.error);
  }
  return problems.length > 0 ? err(problems) : ok(inputs);
};

const readInput = async (path: string): Promise<Result<Found, string>> => {
  try {
    const { size } = await stat(path);
    const { maxFileBytes } = publicWorkLimits;
    if (size > maxFileBytes) return err(`${path} has ${size} bytes, at most ${maxFileBytes} are served`);
    const content = await readFile(path);
    const type = typeOf(content);
    if (!type) return err(`${path} is no PNG, JPEG or WebP image: take it out of the folder`);
    return ok({ path, sha256: hashOf(content), bytes: content.byteLength, type });
  } catch (cause) {
    return err(`${path} can't be read (${cause instanceof Error ? cause.message : String(cause)})`);
  }
};

/** By what is in it: a name may say anything, and a wrong type would be refused by the tabs. */
const typeOf = (content: Buffer): PublicInput['type'] | undefined => {
  const startsWith = (hex: string) => content.subarray(0, hex.length / 2).toString('hex') === hex;
  if (startsWith('89504e470d0a1a0a')) return 'image/png';
  if (startsWith('ffd8ff')) return 'image/jpeg';
  return startsWith('52494646') && content.subarray(8, 12).toString('latin1') === 'WEBP'
    ? 'image/webp'
    : undefined;
};

/** The same page would be paid for as often as it is there. */
const twice = (inputs: readonly Found[]): readonly string[] => {
  const first = new Map<string, string>();
  return inputs.flatMap(({ path, sha256 }) => {
    const before = first.get(sha256);
    if (before === undefined) first.set(sha256, path);
    return before === undefined ? [] : [`${path} is the same page as ${before}: take one of them out`];
  });
};

/** Decoders of lossy formats may differ by a shade from browser to browser, and work is compared by hash. */
const warnOfLossy = (log: Log, inputs: readonly Found[]): void => {
  const lossy = inputs.filter(({ type }) => type !== 'image/png').length;
  if (lossy > 0)
    log(
      'warn',
      'public work is safest as PNG: browsers may decode JPEG and WebP a shade differently, and read it differently',
      {
        pages: inputs.length,
        lossy,
      },
    );
};

const hashOf = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
