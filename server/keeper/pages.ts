import { equalBytes, toBase64url } from '../../src/core/bytes.ts';
import type { PublicKey } from '../../src/core/ports/crypto.ts';
import { holdingsOf } from '../../src/ledger/audit.ts';
import { type Candidate, createCandidate, formatCandidate } from '../../src/ledger/candidate.ts';
import { genesisBytes } from '../../src/ledger/genesis.ts';
import type { KeeperSigner } from '../../src/ledger/keeper/index.ts';
import type { Genesis, LedgerState } from '../../src/ledger/types.ts';
import type { DynamicPage } from '../http.ts';
import type { Metrics } from '../metrics.ts';
import type { KeeperDriver, Measured } from './keeperDriver.ts';
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
  const { gauge } = metrics;
  gauge('aivillage_ledger_height', () => driver.ledger().position.height);
  gauge('aivillage_ledger_round', () => Math.max(0, driver.round()));
  gauge('aivillage_ledger_epoch', () => driver.ledger().epoch);
  gauge('aivillage_ledger_pending', () => driver.counts.pending);
  gauge('aivillage_ledger_finals', () => driver.counts.finals);
  gauge('aivillage_ledger_operations', () => driver.counts.operations);
  gauge('aivillage_ledger_votes', () => driver.counts.votes);
  gauge('aivillage_ledger_keepers', () => driver.ledger().keepers.length);
  gauge('aivillage_ledger_peers', () => peers.connected().length);
  gauge('aivillage_ledger_peer_bytes', () => peers.sentBytes());
  gauge('aivillage_ledger_sockets', () => hub.load().connections);
  gauge('aivillage_ledger_voting', () => (driver.phase() === 'voting' && !driver.fault() ? 1 : 0));
};

/** A person who waits for an operation goes away after that. */
const slowOperationMs = 10_000;

export const measureKeeper =
  (metrics: Metrics) =>
  (what: Measured, ms: number): void => {
    metrics.observe(`aivillage_ledger_${what}_seconds`, ms / 1_000);
    if (what === 'operation' && ms > slowOperationMs) metrics.count('aivillage_ledger_operations_slow_total');
  };
