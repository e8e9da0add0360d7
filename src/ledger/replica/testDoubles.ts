import type { Bytes } from '../../core/bytes.ts';
import { createEmitter } from '../../core/events.ts';
import { err, fault, ok, unwrap } from '../../core/result.ts';
import { applyBlock } from '../apply.ts';
import { certifiedBlockBytes } from '../block.ts';
import { buildEpochBlock, buildOperationsBlock } from '../build.ts';
import { quorumOf } from '../certificate.ts';
import { initialState } from '../genesis.ts';
import type { KeeperSigner } from '../keeper/types.ts';
import { consensusBytes } from '../messages.ts';
import { contentOf } from '../stateRoot.ts';
import { treeToChunks } from '../table/index.ts';
import { createTestKeeper, openBodyOf, operationOf, type Person } from '../testDoubles.ts';
import type {
  Block,
  Certificate,
  Genesis,
  LedgerState,
  OperationBodies,
  OperationKind,
  ReadOperation,
} from '../types.ts';
import type { LedgerSource, SourceNews } from './source.ts';

/** The precommits of a quorum of the test keepers over a block. */
export const certify = (
  block: Block,
  keepers = 1,
  signerOf = (seat: number): KeeperSigner => createTestKeeper(`${seat}`).signer,
): Certificate => {
  const { net, height } = block.header;
  const message = consensusBytes({ net, type: 'precommit', height, round: 0, value: block.id });
  const precommits = Array.from({ length: quorumOf(keepers) }, (_, voter) => ({
    voter,
    signature: signerOf(voter).sign(message),
  }));
  return { round: 0, precommits };
};

/** A swarm's keepers in one hand: makes certified blocks. */
export interface TestChain {
  readonly state: LedgerState;
  /** Certified, from height 1 on. */
  readonly frames: readonly Bytes[];
  /** One block with an operation each. */
  act<Kind extends OperationKind>(person: Person, kind: Kind, body: OperationBodies[Kind]): Bytes;
  open(...people: readonly Person[]): void;
  /** Whatever of these follows, in one block. */
  order(operations: readonly ReadOperation[]): Bytes | undefined;
  endEpoch(): Bytes;
  /** Another future after what is here. */
  branch(): TestChain;
}

export const createTestChain = (
  genesis: Genesis,
  from?: { state: LedgerState; frames: Bytes[] },
): TestChain => {
  let state = from?.state ?? initialState(genesis);
  const frames = from?.frames ?? [];
  const add = (block: Block): Bytes => {
    state = unwrap(applyBlock(state, block)).state;
    const bytes = certifiedBlockBytes({ block, certificate: certify(block, genesis.keepers.length) });
    frames.push(bytes);
    return bytes;
  };
  const maker = () => ({ creator: 0, time: state.position.time + 1 });
  const order: TestChain['order'] = (operations) => {
    const { block } = buildOperationsBlock(state, operations, maker());
    return block && add(block);
  };
  const act: TestChain['act'] = (person, kind, body) => {
    const bytes = order([operationOf(state, person.device, { account: person.id, kind, body })]);
    if (!bytes) throw new Error(`${kind} does not apply`);
    return bytes;
  };
  return {
    get state() {
      return state;
    },
    frames,
    act,
    open(...people) {
      for (const person of people) act(person, 'open', openBodyOf(person));
    },
    order,
    endEpoch: () => add(buildEpochBlock(state, maker())),
    branch: () => createTestChain(genesis, { state, frames: [...frames] }),
  };
};

export type TestSource = LedgerSource & {
  readonly blamed: readonly string[];
  readonly asked: readonly string[];
  /** Tells the newest block, as a keeper does. */
  push(): void;
  tell(news: SourceNews): void;
  away: boolean;
};

/** Gives what a chain holds. `change` may damage it on the way. */
export const createTestSource = (
  name: string,
  chain: () => { readonly frames: readonly Bytes[]; readonly snapshot?: readonly [LedgerState, Bytes] },
  options: {
    readonly kind?: LedgerSource['kind'];
    readonly change?: (bytes: Bytes, height: number) => Bytes;
    readonly earliest?: number;
    readonly perAnswer?: number;
  } = {},
): TestSource => {
  const { kind = 'keeper', change = (bytes) => bytes, earliest = 1, perAnswer = 256 } = options;
  const news = createEmitter<SourceNews>();
  const blamed: string[] = [];
  const asked: string[] = [];
  const gone = err(fault('away' as const, 'it is away'));
  const source: TestSource = {
    name,
    kind,
    away: false,
    blamed,
    asked,
    status: () => (source.away ? undefined : { height: chain().frames.length, earliest }),
    async blocks(after, count) {
      asked.push(`blocks after ${after}`);
      if (source.away) return gone;
      if (after + 1 < earliest) return err(fault('refused', 'these were pruned'));
      const frames = chain().frames.slice(after, after + Math.min(count, perAnswer));
      return ok({ from: name, frames: frames.map((bytes, index) => change(bytes, after + 1 + index)) });
    },
    async snapshot(part) {
      asked.push(`snapshot ${part}`);
      const { snapshot } = chain();
      if (source.away || !snapshot) return gone;
      const [state, block] = snapshot;
      const parts = unwrap(treeToChunks(contentOf(state), 4_096));
      const bytes = parts[part];
      if (!bytes) return err(fault('refused', 'there is no such part'));
      return ok({ from: name, height: state.position.height, block, part, of: parts.length, bytes });
    },
    news: news.subscribe,
    blame: (_from, reason) => void blamed.push(reason),
    tell: news.emit,
    push() {
      const bytes = chain().frames.at(-1);
      if (bytes) news.emit({ kind: 'block', from: name, bytes: change(bytes, chain().frames.length) });
    },
  };
  return source;
};
