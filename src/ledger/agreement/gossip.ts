import type { AgreementState, Message } from './types.ts';
import { heldVotes } from './votes.ts';

/**
 * What a peer needs who lost messages: to be sent again and again, to everybody, while the height is undecided, and in answer
 * to anybody who still works on a decided one.
 *
 * Tendermint rests on its Gossip communication property: what one honest keeper has received, every other receives too, some time
 * after the network has healed. Sending one's own messages again doesn't give that, because a liar may send its vote to one
 * honest keeper only. With that vote, this one alone may
 *
 * - see a quorum of prevotes and lock: the others must see it too (`valid`), or neither would give way, ever;
 * - see a quorum of precommits and begin the next round: the others must see them too (those of the round before), or they would
 *   wait for ever in a round without a timer;
 * - decide: the others must see it too, as it will vote no more.
 */
export const messagesFor = ({ phase, commit, valid, round, rounds }: AgreementState): readonly Message[] => {
  const messages: Message[] = [];
  const log = rounds.get(phase === 'decided' && commit ? commit.round : round);
  if (log?.proposed) messages.push(log.proposed.proposal);
  if (commit) messages.push(commit);
  if (phase === 'decided') return messages;
  if (valid) messages.push(valid);
  const before = rounds.get(round - 1);
  if (before) messages.push(...heldVotes(before.precommit));
  if (log) messages.push(...heldVotes(log.prevote), ...heldVotes(log.precommit));
  return messages;
};
