import type { RuntimeKind } from '../compute/contracts.ts';

/**
 * What the address may ask of a page, for tests and for people who want to compare:
 * `?runtime=wasm|webgpu` takes this runtime and no other, `?mesh=N` speaks mesh protocol N (and so meets nobody else),
 * `?links=carried` links through the server only, so that no other tab learns this one's address.
 */
export type Flags = {
  readonly runtime?: RuntimeKind;
  readonly meshProtocol?: number;
  readonly links?: 'carried';
};

export const readFlags = (search: string): Flags => {
  const query = new URLSearchParams(search);
  const runtime = query.get('runtime');
  const protocol = Number(query.get('mesh') ?? Number.NaN);
  return {
    ...(runtime === 'wasm' || runtime === 'webgpu' ? { runtime } : {}),
    ...(query.get('links') === 'carried' ? { links: 'carried' as const } : {}),
    ...(Number.isInteger(protocol) && protocol >= 0 ? { meshProtocol: protocol } : {}),
  };
};
