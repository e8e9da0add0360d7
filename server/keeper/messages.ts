import type { Bytes } from '../../src/core/bytes.ts';
import { err, type Fault, fault, ok, type Result } from '../../src/core/result.ts';
import { blockBytes, readBlock } from '../../src/ledger/block.ts';
import type { KeeperMessage, Quorum } from '../../src/ledger/keeper/types.ts';
import { type ConsensusMessage, consensusBytes, readConsensusMessage } from '../../src/ledger/messages.ts';
import type { ToKeeper } from '../../src/ledger/protocol.ts';

/** Between the machine's messages and those of the socket. */
export type AgreementMessage = Extract<ToKeeper, { t: 'agree' | 'quorum' }>;

export type ReadKeeperMessage = {
  readonly message: KeeperMessage;
  readonly content: ConsensusMessage;
  /** What must hold before the machine hears of it. */
  readonly signed: readonly { readonly seat: number; readonly bytes: Bytes; readonly signature: Bytes }[];
};

export const toWire = (message: KeeperMessage): AgreementMessage => {
  if (message.kind === 'quorum') {
    const { content, votes } = message.quorum;
    return {
      t: 'quorum',
      bytes: consensusBytes(content),
      votes: votes.map(({ voter, signature }) => [voter, signature]),
    };
  }
  const { seat, block } = message;
  const { bytes, signature } = message.message;
  return { t: 'agree', seat, bytes, signature, ...(block ? { block: blockBytes(block) } : {}) };
};

/** Says nothing of signatures. The block of a proposal is the one it names. */
export const readKeeperMessage = (message: AgreementMessage): Result<ReadKeeperMessage, Fault> => {
  const { bytes } = message;
  const read = readConsensusMessage(bytes);
  if (!read.ok) return read;
  const content = read.value;
  if (message.t === 'quorum') return readQuorum(content, message);
  const { seat, signature } = message;
  const block = message.block && readBlock(message.block);
  if (block && !block.ok) return block;
  if (content.type === 'proposal' && block && block.value.id !== content.value)
    return refuse('the proposal comes with another block than it names');
  return ok({
    message: { kind: 'message', seat, message: { bytes, signature, content }, block: block?.value },
    content,
    signed: [{ seat, bytes, signature }],
  });
};

const readQuorum = (
  content: ConsensusMessage,
  { bytes, votes }: Extract<ToKeeper, { t: 'quorum' }>,
): Result<ReadKeeperMessage, Fault> => {
  if (content.type === 'proposal') return refuse('a quorum is one of votes');
  const signed = votes.map(([seat, signature]) => ({ seat, bytes, signature }));
  if (signed.some(({ seat }, i) => seat <= (signed[i - 1]?.seat ?? -1)))
    return refuse('a keeper is counted twice, or keepers are not in order');
  const quorum: Quorum = {
    content,
    votes: signed.map(({ seat: voter, signature }) => ({ voter, signature })),
  };
  return ok({ message: { kind: 'quorum', quorum }, content, signed });
};

const refuse = (message: string) => err(fault('message', message));
