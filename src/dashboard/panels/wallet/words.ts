import type { Party, PeerView } from '../../../app/readModels.ts';
import type { AccountId, PeerId } from '../../../core/brand.ts';
import { err, ok, type Result } from '../../../core/result.ts';
import { formatInteger, shortId } from '../../kit/format.ts';
import type { LanternId } from '../../kit/lantern.ts';

export const partyInWords = (party: Party): string =>
  party.own ? 'You' : (party.name ?? `Account ${shortId(party.account)}`);

/** The lantern of one of its tabs if one is here, as on the map; else one made from the account. */
export const partyLantern = (
  party: Party,
  peers: readonly PeerView[],
  self: { readonly peer: PeerId },
): LanternId =>
  party.own
    ? self.peer
    : (peers.find(({ status }) => status.account === party.account)?.status.peer ?? party.account);

/** Somebody whose device is in the room, so that nobody has to copy an account id. */
export type Person = { readonly account: AccountId; readonly name: string; readonly lantern: LanternId };

/** One entry for an account, with the names of all its devices; oneself is left out. */
export const peopleHere = (peers: readonly PeerView[], own: AccountId): readonly Person[] => {
  const people = new Map<AccountId, Person>();
  for (const { status } of peers) {
    const known = people.get(status.account);
    if (status.account !== own)
      people.set(status.account, {
        account: status.account,
        name: known ? `${known.name}, ${status.name}` : status.name,
        lantern: known?.lantern ?? status.peer,
      });
  }
  return [...people.values()].sort((a, b) => a.name.localeCompare(b.name, 'en'));
};

const accountText = /^[A-Za-z0-9_-]{43}$/;
const scheme = 'aivillage:';

/** An account id as it was pasted or scanned, with or without its prefix. */
export const readAccount = (text: string): Result<AccountId, string> => {
  const typed = text.trim();
  if (typed === '') return err('Paste an account id, scan its code, or choose somebody who is here.');
  const id = typed.toLowerCase().startsWith(scheme) ? typed.slice(scheme.length).trim() : typed;
  if (accountText.test(id)) return ok(id as AccountId);
  if (/^av1/i.test(id))
    return err('That looks like a recovery key, not an account id. Never give a recovery key to anybody.');
  return err(
    `An account id has 43 letters, digits, “-” and “_”; this has ${formatInteger([...id].length)} characters. Copy it whole.`,
  );
};

export const accountCode = (account: AccountId): string => `${scheme}${account}`;

/** A whole number as it was typed; spaces may part thousands. */
export const readWhole = (text: string): Result<number, string> => {
  const typed = text.trim();
  const plain = typed.replace(/(?<=\d)\s(?=\d{3}(?!\d))/g, '');
  if (!/^\d{1,16}$/.test(plain)) return err('Write a whole number, in digits only.');
  const value = Number(plain);
  return Number.isSafeInteger(value) ? ok(value) : err('This number is too large.');
};

/** Where a keeper is reached: its host is what people know it by. */
export const placeInWords = (url: string): string =>
  url === '' ? 'the host of this page' : url.replace(/^wss?:\/\//, '').replace(/\/ledger\/?$/, '');
