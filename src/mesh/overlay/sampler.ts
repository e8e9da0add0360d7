import type { PeerId } from '../../core/brand.ts';
import type { Random } from '../../core/ports/random.ts';

/**
 * An even sample of everybody ever named (min-wise independent sampling; Bortnikov et al., "Brahms: Byzantine resilient
 * random membership sampling", 2009): each sampler keeps, of everybody it is told, the one whose hash under its salt is
 * least. Doesn't know who names whom, nor whether somebody is still there.
 */
export type Sampler = { readonly salt: number; readonly peer: PeerId | undefined; readonly least: number };

const newSampler = (random: Pick<Random, 'next'>): Sampler => ({
  salt: Math.floor(random.next() * 2 ** 32),
  peer: undefined,
  least: Number.POSITIVE_INFINITY,
});

/** However often somebody is named, it holds a place only where its hash is the least: naming friends gains nothing. */
export const withSample = (
  samplers: readonly Sampler[],
  peer: PeerId,
  count: number,
  random: Pick<Random, 'next'>,
): readonly Sampler[] => {
  const all = samplers.length > 0 ? samplers : Array.from({ length: count }, () => newSampler(random));
  const id = hashOf(peer);
  // Almost always nothing changes, and nothing is copied.
  if (all.every(({ salt, least }) => mix(id, salt) >= least)) return all;
  return all.map((sampler) => {
    const rank = mix(id, sampler.salt);
    return rank < sampler.least ? { salt: sampler.salt, peer, least: rank } : sampler;
  });
};

/** FNV-1a. A peer id is a hash already: nobody chooses it without making keys, and salts are secret. */
const hashOf = (peer: PeerId): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < peer.length; i++) hash = Math.imul(hash ^ peer.charCodeAt(i), 16777619);
  return hash;
};
const mix = (id: number, salt: number): number => {
  let hash = id ^ salt;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/** Not there any more: a sampler that held it begins anew. */
export const withoutSample = (
  samplers: readonly Sampler[],
  peer: PeerId,
  random: Pick<Random, 'next'>,
): readonly Sampler[] =>
  samplers.some((sampler) => sampler.peer === peer)
    ? samplers.map((sampler) => (sampler.peer === peer ? newSampler(random) : sampler))
    : samplers;
