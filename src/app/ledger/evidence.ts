import { equalBytes, toBase64url, toHex } from '../../core/bytes.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { contradictionOf, readConsensusMessage } from '../../ledger/messages.ts';
import type { SignedMessage } from '../../ledger/transition/core/bodies.ts';
import type { CertifiedBlock, Evidence, LedgerState, ReadOperation } from '../../ledger/types.ts';
import type { ExplorerFact, ExplorerItem, Verification } from '../ledgerView.ts';

/** A keeper's lie: the operation that proved it, while its block is kept here. */
export type FoundEvidence = {
  readonly kind: 'evidence';
  readonly id: string;
  readonly proof:
    | {
        readonly kind: 'operation';
        readonly certified: CertifiedBlock;
        readonly operation: ReadOperation;
        readonly index: number;
      }
    | undefined;
};

export const describeEvidence = (
  { id, proof }: FoundEvidence,
  state: LedgerState,
): Result<ExplorerItem, string> => {
  const known = state.evidence.get(id);
  if (!known) return err('It is not in the present state any more.');
  const height = proof?.certified.block.header.height;
  const facts: readonly ExplorerFact[] = [
    { term: 'Keeper', value: nameOfKeeper(known, state) },
    { term: 'Its key', value: toBase64url(known.key) },
    { term: 'While agreeing on', value: `block ${known.height}, in round ${known.round}` },
    { term: 'Proved in epoch', value: String(known.epoch) },
    height === undefined
      ? { term: 'Proved in block', value: 'one that is older than this browser keeps' }
      : { term: 'Proved in block', value: String(height), item: String(height) },
    { term: 'Id', value: id },
  ];
  const said = saidIn(proof);
  return ok({
    id,
    kind: 'evidence',
    title: 'A keeper contradicted itself',
    advice: 'Propose or support a vote that gives its seat to another keeper.',
    facts,
    ...(said
      ? {
          sides: said.map((message, index) => ({ title: titles[index] ?? '', facts: messageFacts(message) })),
        }
      : {}),
    parts: [],
  });
};

/** Both signatures by the keeper's own key, again, and that they contradict one another. */
export const evidenceSteps = async (
  { id, proof }: FoundEvidence,
  {
    crypto,
    state,
  }: { readonly crypto: Pick<CryptoPort, 'verify'>; readonly state: () => LedgerState | undefined },
): Promise<Verification['steps']> => {
  const present = state();
  const known = present?.evidence.get(id);
  const said = saidIn(proof);
  if (!present || !known || !said) return [];
  const [first, second] = said;
  const contradiction = contradictionOf(present.net, first.bytes, second.bytes);
  const signed = async (which: string, { bytes, signature }: SignedMessage) => ({
    what: `${nameOfKeeper(known, present)} signed the ${which} message`,
    holds: await crypto.verify(known.key, bytes, signature),
    detail: toHex(signature),
  });
  return [
    await signed('first', first),
    await signed('second', second),
    {
      what: 'An honest keeper signs one of them at most',
      holds: contradiction.ok,
      detail: contradiction.ok
        ? `two ${contradiction.value.type}s at height ${contradiction.value.height}, round ${contradiction.value.round}`
        : contradiction.error.message,
    },
  ];
};

const titles = ['The first message', 'The second message'] as const;

const nameOfKeeper = ({ key, keeper }: Evidence, { keepers }: LedgerState): string =>
  keepers.find((each) => equalBytes(each.key, key))?.name ?? `keeper ${keeper + 1} of that time`;

const saidIn = (proof: FoundEvidence['proof']): readonly [SignedMessage, SignedMessage] | undefined => {
  const operation = proof?.operation.operation;
  return operation?.kind === 'evidence' ? [operation.body.first, operation.body.second] : undefined;
};

const messageFacts = ({ bytes, signature }: SignedMessage): readonly ExplorerFact[] => {
  const read = readConsensusMessage(bytes);
  const signed = { term: 'Signature', value: toHex(signature) };
  if (!read.ok) return [{ term: 'Says', value: read.error.message }, signed];
  const { type, height, round, value } = read.value;
  return [
    {
      term: 'Says',
      value: type === 'proposal' ? 'I propose' : type === 'prevote' ? 'I would take' : 'I take',
    },
    { term: 'Block', value: value ?? 'none' },
    { term: 'At', value: `height ${height}, round ${round}` },
    signed,
  ];
};
