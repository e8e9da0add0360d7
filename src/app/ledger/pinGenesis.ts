import { type Bytes, equalBytes } from '../../core/bytes.ts';
import { err, type Fault, ok, type Result } from '../../core/result.ts';
import { genesisBytes } from '../../ledger/genesis.ts';
import { readGenesis } from '../../ledger/readGenesis.ts';
import type { Genesis } from '../../ledger/types.ts';
import type { KeyValueStore } from '../../storage/port.ts';

export type PinnedGenesis = {
  readonly genesis: Genesis;
  /** What the person must know: the host shows another beginning than it did, so its money is not the money known here. */
  readonly problem: string | undefined;
};

const key = 'genesis';

/**
 * What this host's ledger began with, as this device saw it first: a host can't change the past by showing another one. Without
 * the host what was pinned will do.
 */
export const pinGenesis = async (
  store: Pick<KeyValueStore, 'get' | 'set'>,
  shown: Result<Bytes, Fault>,
): Promise<Result<PinnedGenesis, Fault>> => {
  const pinned = await store.get('wallet', key);
  const known = pinned instanceof Uint8Array ? readGenesis(pinned) : undefined;
  const told = shown.ok ? readGenesis(shown.value) : err(shown.error);
  if (!known?.ok) {
    if (!told.ok) return told;
    await store.set('wallet', key, genesisBytes(told.value), 'strict');
    return ok({ genesis: told.value, problem: undefined });
  }
  const genesis = known.value;
  if (!told.ok || equalBytes(genesisBytes(told.value), genesisBytes(genesis)))
    return ok({ genesis, problem: undefined });
  return ok({
    genesis,
    problem: `This host now shows another ledger (“${told.value.name}”) than the one this device knows (“${genesis.name}”). What you own is in the one known here: ask the host why, and do not accept money in the other.`,
  });
};
