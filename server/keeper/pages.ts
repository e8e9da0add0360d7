import { equalBytes, toBase64url } from '../../src/core/bytes.ts';
import type { PublicKey } from '../../src/core/ports/crypto.ts';
import { holdingsOf } from '../../src/ledger/audit.ts';
import { type Candidate, createCandidate, formatCandidate } from '../../src/ledger/candidate.ts';
import { genesisBytes } from '../../src/ledger/genesis.ts';
import type { KeeperSigner } from '../../src/ledger/keeper/index.ts';
import type { Genesis, LedgerState } from '../../src/ledger/types.ts';
import type { DynamicPage } from '../http.ts';
import type { Metrics } from '../metrics.ts';
import type { KeeperDriver } from './keeperDriver.ts';
import type { LedgerHub } from './ledgerSockets.ts';
import type { KeeperPeers } from './peers.ts';

/** What names the ledger: all that a tab must be told by somebody it trusts. */
export const genesisPage = (genesis: Genesis): DynamicPage => {
  const body = Buffer.from(genesisBytes(genesis));
  return () => ({ status: 200, type: 'application/cbor', body });
};

export const keeperPages = ({
  genesis,
  driver,
  peers,
  own,
  asking,
}: {
  readonly genesis: Genesis;
  readonly driver: KeeperDriver;
  readonly peers: KeeperPeers;
  readonly own: readonly PublicKey[];
  /** The seat that one of these keys wants. */
  readonly asking?: { readonly candidate: Candidate; readonly signer: KeeperSigner } | undefined;
}): Readonly<Record<string, DynamicPage>> => ({
  '/ledger/genesis': genesisPage(genesis),
  '/ledger/status': () => {
    const state = driver.ledger();
    const connected = peers.connected();
    const fault = driver.fault();
    const status = {
      net: state.net,
      name: genesis.name,
      height: state.position.height,
      head: state.position.head,
      epoch: state.epoch,
      epochSeconds: state.parameters.epochSeconds,
      stateRoot: toBase64url(state.position.stateRoot),
      phase: driver.phase(),
      ...(fault ? { fault: fault.message } : {}),
      keepers: state.keepers.map(({ name, url, key }) => ({
        name,
        url,
        key: toBase64url(key),
        is: own.some((one) => equalBytes(key, one))
          ? 'this one'
          : connected.includes(name)
            ? 'connected'
            : 'away',
      })),
      supply: state.supply,
      holdings: holdingsOf(state),
      pending: driver.counts.pending,
    };
    const type = 'application/json; charset=utf-8';
    return { status: 200, type, body: `${JSON.stringify(status, undefined, 2)}\n` };
  },
  ...(asking ? { '/ledger/candidate': () => candidatePage(driver.ledger(), asking) } : {}),
});

/** Signed anew for the present epoch: whoever proposes it needs no operator at hand. */
const candidatePage = (
  { position }: LedgerState,
  { candidate, signer }: { readonly candidate: Candidate; readonly signer: KeeperSigner },
) => ({
  status: 200,
  type: 'application/json; charset=utf-8',
  body: formatCandidate(createCandidate(candidate, signer, position.stateRoot)),
});

export const watchKeeper = (
  metrics: Metrics,
  driver: KeeperDriver,
  hub: LedgerHub,
  peers: KeeperPeers,
): void => {
  const gauge = (name: string, help: string, read: () => number) =>
    metrics.gauge(`aivillage_ledger_${name}`, help, read);
  gauge('height', 'Height of the newest final block', () => driver.ledger().position.height);
  gauge('epoch', 'Epoch of the next block', () => driver.ledger().epoch);
  gauge('pending', 'Operations that wait to be ordered', () => driver.counts.pending);
  gauge('finals', 'Blocks that became final since the start', () => driver.counts.finals);
  gauge('operations', 'Operations that became final since the start', () => driver.counts.operations);
  gauge('votes', 'Proposals and votes sent since the start', () => driver.counts.votes);
  gauge('peers', 'Other keepers that this one reaches', () => peers.connected().length);
  gauge('peer_bytes', 'Bytes of messages to the other keepers since the start', () => peers.sentBytes());
  gauge('sockets', 'Open ledger sockets', () => hub.load().connections);
  gauge('voting', '1 if this keeper votes', () => (driver.phase() === 'voting' && !driver.fault() ? 1 : 0));
};
