import { createHmac, randomBytes } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { createBoundedMap } from '../src/core/boundedMap.ts';

/**
 * A name for the network an address is of (IPv4 /16, IPv6 /32): equal for tabs behind one provider, so that tabs can prefer
 * neighbours of different ones, and saying nothing else, because it is made with a key that dies with this process (with the last of several that share rooms). No name
 * for addresses that say nothing (loopback, private and link-local ones: a class behind one router is one network).
 */
export const createNetworkNames = (key: Uint8Array = randomBytes(32)) => {
  const nameOf = (prefix: string) =>
    createHmac('sha256', key).update(prefix).digest().subarray(0, 12).toString('base64url');
  const namesByPrefix = createBoundedMap<string, string>(10_000);
  return (address: string): string | undefined => {
    const prefix = prefixOf(address);
    if (prefix === undefined) return undefined;
    const name = namesByPrefix.get(prefix) ?? nameOf(prefix);
    namesByPrefix.set(prefix, name);
    return name;
  };
};

/** The key of names, and when it was drawn (Unix ms by the clock of who drew it). */
export type NetworkKey = { readonly born: number; readonly bytes: Uint8Array };

export interface SharedNetworkNames {
  nameOf(address: string): string | undefined;
  key(): NetworkKey;
  /** Of two keys all processes take the one that was born first. */
  offer(key: NetworkKey): void;
}

/**
 * Names that several processes have in common: each draws a key, and takes over the oldest it hears of. Names change when it
 * does so, which costs a tab nothing but a hint.
 */
export const createSharedNetworkNames = (own: NetworkKey): SharedNetworkNames => {
  let key = own;
  let nameByAddress = createNetworkNames(own.bytes);
  return {
    nameOf: (address) => nameByAddress(address),
    key: () => key,
    offer(other) {
      const sooner = other.born - key.born || Buffer.compare(other.bytes, key.bytes);
      if (sooner >= 0) return;
      key = { born: other.born, bytes: new Uint8Array(other.bytes) };
      nameByAddress = createNetworkNames(key.bytes);
    },
  };
};

/** Takes an address as `addressKey` gives it: IPv4, or the /64 of an IPv6 one. */
const prefixOf = (address: string): string | undefined => {
  if (isIPv4(address)) {
    const [a = 0, b = 0] = address.split('.').map(Number);
    const isPrivate =
      a === 10 || a === 127 || a === 0 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168);
    return isPrivate || (a === 169 && b === 254) || (a === 100 && b >= 64 && b < 128)
      ? undefined
      : `${a}.${b}`;
  }
  const groups = address.split(':');
  const [first = '', second = ''] = groups;
  const head = Number.parseInt(first, 16);
  // Only global unicast (2000::/3) says where an address is.
  return head >= 0x2000 && head < 0x4000 ? `${head}:${Number.parseInt(second || '0', 16)}` : undefined;
};
