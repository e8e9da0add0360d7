import type { Signature } from '../../core/ports/crypto.ts';
import type { Certificate, Proposal, Vote } from '../agreement/index.ts';
import { consensusBytes } from '../messages.ts';
import type { BlockId, NetId } from '../types.ts';
import type { KeeperSigner, Quorum, ReadMessage } from './types.ts';

/**
 * Between the agreement's messages, which know no signatures, and those that travel. The agreement keeps objects by identity, so a
 * vote that came from another keeper carries its signature along; one's own is signed when it is needed, always to the same bytes.
 */
export type SignedVote = Vote & { readonly signature: Signature };
/** `heard` is sent on as it came: encoding is what a resend would cost. */
type Heard = { readonly signature: Signature; readonly heard: ReadMessage };
export type HeardVote = Vote & Heard;
export type HeardProposal = Proposal & Heard;
export type Voice = { readonly net: NetId; readonly seat: number; readonly signer: KeeperSigner };

export const toAgreement = (seat: number, heard: ReadMessage): HeardVote | HeardProposal => {
  const { content, signature } = heard;
  const { type, height, round, value } = content;
  if (type === 'proposal') {
    const { validRound } = content;
    return { type, height, round, value: content.value, validRound, proposer: seat, signature, heard };
  }
  return { type, height, round, value, voter: seat, signature, heard };
};

export const fromAgreement = (
  voice: Voice,
  message: Vote | Proposal,
): { readonly seat: number; readonly message: ReadMessage } => {
  const seat = message.type === 'proposal' ? message.proposer : message.voter;
  const heard = (message as Partial<Heard>).heard;
  return { seat, message: heard ?? spell(voice, message) };
};

/** Undefined for what is no quorum of any block: it has nothing to say to an agreement. */
export const toCertificate = ({ content, votes }: Quorum): Certificate | undefined => {
  const { type: of, height, round, value } = content;
  if (value === null) return undefined;
  const signed = votes.map(
    ({ voter, signature }): SignedVote => ({ type: of, height, round, value, voter, signature }),
  );
  return { type: 'certificate', of, height, round, value, votes: signed };
};

export const fromCertificate = (voice: Voice, { of, height, round, value, votes }: Certificate): Quorum => ({
  content: { net: voice.net, type: of, height, round, value: value as BlockId },
  votes: signaturesOf(voice, votes),
});

export const signaturesOf = (voice: Voice, votes: readonly Vote[]): Quorum['votes'] =>
  votes
    .map((vote) => ({ voter: vote.voter, signature: signatureOf(voice, vote) }))
    .sort((a, b) => a.voter - b.voter);

const contentOf = (net: NetId, message: Vote | Proposal): ReadMessage['content'] => {
  const { height, round } = message;
  if (message.type === 'proposal') {
    const { validRound } = message;
    return { net, type: 'proposal', height, round, value: message.value as BlockId, validRound };
  }
  return { net, type: message.type, height, round, value: message.value as BlockId | null };
};

const signatureOf = (voice: Voice, message: Vote | Proposal): Signature =>
  (message as Partial<SignedVote>).signature ?? spell(voice, message).signature;

/** What was encoded and signed once: a vote is written down, sent, sent again and counted, and each would sign it anew. */
const spelled = new WeakMap<Vote | Proposal, ReadMessage>();

/** Throws if another keeper's message came without its signature: all that comes in has one, so that is a bug. */
const spell = ({ net, seat, signer }: Voice, message: Vote | Proposal): ReadMessage => {
  const known = spelled.get(message);
  if (known) return known;
  const given = (message as Partial<SignedVote>).signature;
  const author = message.type === 'proposal' ? message.proposer : message.voter;
  if (!given && author !== seat) throw new Error(`a message of keeper ${author} has no signature`);
  const content = contentOf(net, message);
  const bytes = consensusBytes(content);
  const read = { content, bytes, signature: given ?? signer.sign(bytes) };
  spelled.set(message, read);
  return read;
};
