import type { Party } from '../../../app/readModels.ts';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { PeerName } from '../../kit/Lantern.tsx';
import { partyInWords, partyLantern } from './words.ts';

/** Somebody's lantern and name, as everywhere. */
export const PartyName = ({ party }: { readonly party: Party }) => {
  const { models } = useApp();
  const peers = useStore(models.peers);
  const self = useStore(models.self);
  return (
    <PeerName
      peer={partyLantern(party, peers, self)}
      name={party.own ? (party.name ?? 'You') : partyInWords(party)}
      note={party.own && party.name !== undefined ? 'you' : undefined}
      size={22}
    />
  );
};
