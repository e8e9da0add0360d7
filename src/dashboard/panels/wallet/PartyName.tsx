import type { Party } from '../../../app/readModels.ts';
import { PeerName } from '../../kit/Lantern.tsx';
import { partyInWords } from './words.ts';

/** Somebody's lantern and name, as everywhere. */
export const PartyName = ({ party }: { readonly party: Party }) => (
  <PeerName
    peer={party.account}
    name={party.own ? (party.name ?? 'You') : partyInWords(party)}
    note={party.own ? 'you' : undefined}
    size={22}
  />
);
