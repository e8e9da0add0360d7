import { type Bytes, utf8 } from '../../core/bytes.ts';
import { createStore, type Store, type WritableStore } from '../../core/events.ts';
import { sha256Bytes, sha256Hex } from '../../core/hash.ts';
import type { Locks } from '../../core/ports/locks.ts';
import { err, fault, ok, unwrap } from '../../core/result.ts';
import type { PackedImage, Quad } from '../../inference/ocr/types.ts';
import type { LedgerAccess } from '../../ledger/access.ts';
import type { Parameters } from '../../ledger/parameters.ts';
import {
  createPerson,
  createTestGenesis,
  createTestKeeper,
  createTestLedger,
  openBodyOf,
  type Person,
} from '../../ledger/testDoubles.ts';
import type { ListingTerms } from '../../ledger/transition/mint/listings.ts';
import type { LedgerState } from '../../ledger/types.ts';
import { outputOf, readingModel, workClass } from './output.ts';
import type { ReadingEngine } from './reading.ts';
import { createPageSource, type Get, type InputList, type PageSource } from './source.ts';

/** Blobs are read in real time, while the clock of a test stands still: it waits for these before it goes on. */
const realWork = new Set<Promise<unknown>>();
const readText = (file: Blob): Promise<string> => {
  const text = file.text();
  realWork.add(text);
  return text.finally(() => realWork.delete(text));
};
export const realWorkDone = async (): Promise<void> => {
  while (realWork.size > 0) await Promise.all(realWork);
};

/** A page is a text file here: an engine that reads it line by line, in three steps as the real one does. */
export const createEngineDouble = (): ReadingEngine & { readonly pages: string[]; hang: boolean } => {
  const pages: string[] = [];
  const engine = {
    pages,
    hang: false,
    async openPage(file: Blob) {
      const text = await readText(file);
      pages.push(text);
      return ok({ width: 640, height: 640, frames: 1, detectInput: { image: packed(640, text) } });
    },
    async detect({ image }: { readonly image: PackedImage }, call?: { readonly signal?: AbortSignal }) {
      if (engine.hang) {
        const aborted = call?.signal?.aborted ?? false;
        if (!aborted)
          await new Promise<void>((resolve) => call?.signal?.addEventListener('abort', () => resolve()));
        return err(fault('cancelled', 'cancelled'));
      }
      const lines = textOf(image).split('\n');
      return ok({ boxes: lines.map((_, at) => ({ quad: quadOf(at), score: 1 })) });
    },
    async cropLines(file: Blob, quads: readonly Quad[]) {
      const lines = (await readText(file)).split('\n');
      return ok(quads.map((quad) => packed(48, lines[Math.round(quad[1] / 40)] ?? '')));
    },
    async recognize({ lines }: { readonly lines: readonly PackedImage[] }) {
      return ok({ lines: lines.map((line) => ({ text: textOf(line), confidence: 0.5 })) });
    },
  };
  return engine;
};

const packed = (height: number, text: string): PackedImage => ({ width: 640, height, data: utf8(text) });
const textOf = ({ data }: PackedImage): string => new TextDecoder().decode(data);
const quadOf = (line: number): Quad => {
  const [top, bottom] = [40 * line, 40 * line + 20];
  return [10, top, 600, top, 600, bottom, 10, bottom];
};

/** What a host would say: paths to bodies; a test may change them. */
export const createHost = (texts: readonly string[]) => {
  const bodies = new Map<string, Bytes>();
  const inputs = texts.map((text) => {
    const page = utf8(text);
    const sha256 = sha256Hex(page);
    bodies.set(`/public-work/${sha256}`, page);
    return { sha256, bytes: page.byteLength, type: 'image/png' };
  });
  bodies.set('/public-work/list', utf8(JSON.stringify({ v: 1, lists: [{ name: 'pages', inputs }] })));
  const get: Get = async (path) => {
    const body = bodies.get(path);
    return body ? ok(body) : err(fault('page', `the host answers 404 for ${path}`));
  };
  const digest = async (bytes: Uint8Array) => sha256Bytes(bytes);
  const source: PageSource = createPageSource({ get, crypto: { digest } });
  return { bodies, source };
};

export const termsOf = (list: InputList, texts: readonly string[]): ListingTerms => ({
  title: 'Old letters',
  class: workClass,
  model: readingModel,
  inputs: list.root,
  units: list.pages.length,
  cost: 1_000,
  cpuMilliseconds: 1_000,
  memoryMegabyteSeconds: 100,
  match: { kind: 'hash' },
  references: [0, 1].map((at) => ({
    input: list.pages[at]?.hash ?? new Uint8Array(32),
    output: outputOf((texts[at] ?? '').split('\n')),
    openings: [],
  })),
});

/** A ledger in one hand whose host governs, with a wallet for whoever asks; operations are final at once. */
export const createLedgerWorld = (parameters: Partial<Parameters> = {}) => {
  const host = createPerson('host');
  const ledger = createTestLedger(createTestGenesis({ host: host.id, parameters }));
  const state: WritableStore<LedgerState | undefined> = createStore<LedgerState | undefined>(ledger.state);
  const submitted: { readonly person: Person; readonly kind: string; readonly body: unknown }[] = [];
  const publish = () => state.set(ledger.state);
  const accessOf = (person: Person): LedgerAccess => ({
    state,
    account: person.id,
    epochAgeMs: () => 1_000,
    async submit(kind, body) {
      if (!ledger.state.accounts.get(person.id)?.key) ledger.act(person, 'open', openBodyOf(person));
      const refused = ledger.act(person, kind, body);
      publish();
      if (refused) return err(fault('not-now', refused));
      submitted.push({ person, kind, body });
      const final = { phase: 'final' as const, id: '' as never, height: ledger.state.position.height };
      const outcome: Store<typeof final> = createStore(final);
      return ok({ outcome, settled: async () => final });
    },
  });
  return {
    host,
    keeper: createTestKeeper('0').person,
    ledger,
    submitted,
    accessOf,
    endEpoch() {
      ledger.endEpochs();
      publish();
    },
    list(terms: ListingTerms) {
      ledger.open(host);
      const actions = [{ kind: 'listing' as const, listing: terms }];
      const refused = ledger.act(host, 'propose', { description: 'list', actions, countersignatures: [] });
      if (refused) throw new Error(refused);
      ledger.endEpochs();
      publish();
    },
  };
};
export type LedgerWorld = ReturnType<typeof createLedgerWorld>;

/** Tabs of one device. */
export const createLocksDouble = (): Locks & { freeAll(): void } => {
  const held = new Set<string>();
  return {
    async tryAcquire(name) {
      if (held.has(name)) return undefined;
      held.add(name);
      return () => void held.delete(name);
    },
    acquire: () => Promise.reject(new Error('not here')),
    freeAll: () => held.clear(),
  };
};

export const listOf = async (source: PageSource): Promise<InputList> => {
  const [list] = unwrap(await source.lists());
  if (!list) throw new Error('no list');
  return list;
};
