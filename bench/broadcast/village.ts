/** Fifty tabs with real keys, and one that hears them: what arrives there is made before anything is timed. */
import { webcrypto } from 'node:crypto';
import { encodeStatus } from '../../src/app/nodeRecord.ts';
import { byteCount, milliseconds, type PeerId, type RoomId, type Sha256 } from '../../src/core/brand.ts';
import { type Bytes, utf8 } from '../../src/core/bytes.ts';
import { silentTelemetry } from '../../src/core/ports/telemetry.ts';
import { type LocalIdentity, openIdentity } from '../../src/identity/index.ts';
import { createTestIdentityDeps } from '../../src/identity/testDoubles.ts';
import type { NodeStatus } from '../../src/inference/contracts.ts';
import { sealBroadcast } from '../../src/mesh/broadcast/message.ts';
import { encodeBroadcastMessage } from '../../src/mesh/broadcast/wire.ts';
import { encodeRecord, peerTopic } from '../../src/mesh/directory/record.ts';
import { createNodeCrypto } from '../../src/platform/node/index.ts';

export const room = 'r'.repeat(43) as RoomId;
export const crypto = createNodeCrypto();
const model = 'a'.repeat(64) as Sha256;

export type Tab = { readonly identity: LocalIdentity; readonly name: string };

export const openTabs = (count: number): Promise<readonly Tab[]> =>
  Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const deps = { ...createTestIdentityDeps(crypto), telemetry: silentTelemetry };
      return { identity: (await openIdentity(deps)).identity, name: `Device ${index}` };
    }),
  );

/** One gossip as a neighbour sends it, with the id under which others announce it. */
export type Arriving = { readonly id: string; readonly bytes: Bytes };

export const sealed = async (
  { identity }: Tab,
  topic: string,
  at: number,
  payload: Bytes,
): Promise<Arriving> => {
  const nonce = webcrypto.getRandomValues(new Uint8Array(16));
  const body = { v: 1 as const, room, from: identity.peer, topic, at, nonce, payload };
  const { id, bytes: message } = await sealBroadcast(body, identity.nodeSigner);
  return { id, bytes: encodeBroadcastMessage({ t: 'gossip', id, hops: 3, repair: false, message }) };
};

export const sealedNews = (tab: Tab, at: number): Promise<Arriving> =>
  sealed(tab, 'app', at, utf8(`news of ${tab.name}, a line or two of text as people send them`));

export const sealedRecord = (tab: Tab, at: number, neighbors: readonly PeerId[]): Promise<Arriving> =>
  sealed(
    tab,
    peerTopic,
    at,
    encodeRecord({
      v: 1,
      credentials: tab.identity.credentials,
      lifetime: 150_000,
      capabilities: { models: [model, model], gpu: true, memory: byteCount(8 * 2 ** 30), freeSlots: 2 },
      neighbors: neighbors.map((peer, index) => ({ peer, rtt: 10 + index })),
      about: encodeStatus(statusOf(tab)),
    }),
  );

const statusOf = ({ identity: { peer, account, device }, name }: Tab): NodeStatus => ({
  peer,
  account,
  device,
  name,
  build: '0.1.0-bench',
  profile: {
    label: 'Chromium 140 on Linux',
    mobile: false,
    cores: 8,
    memoryGiB: 8,
    gpu: {
      kind: 'adapter',
      vendor: 'vendor',
      architecture: 'architecture',
      description: '',
      software: false,
      features: ['shader-f16', 'timestamp-query', 'depth-clip-control'],
      limits: {
        maxBufferSize: byteCount(2 ** 31),
        maxStorageBufferBindingSize: byteCount(2 ** 30),
        maxComputeWorkgroupStorageSize: byteCount(32_768),
        maxComputeInvocationsPerWorkgroup: 1_024,
      },
    },
    battery: { charging: true, level: 0.5 },
    network: { effectiveType: '4g', downlinkMbps: 10, rtt: milliseconds(50), saveData: false },
    storage: { quota: byteCount(2 ** 36), usage: byteCount(2 ** 24), persisted: true },
    crossOriginIsolated: true,
  },
  accepts: { open: true },
  slots: 2,
  queued: 0,
  speeds: [
    {
      runtime: 'wasm',
      threads: 4,
      workers: 2,
      megapixelsPerSecond: { 'ocr.detect': 1.25, 'ocr.recognize': 0.5 },
      version: 'ort 1.30.0 simd threads',
      measuredAt: 1_790_000_000_000,
    },
  ],
  runtime: 'wasm',
  models: { 'ocr.detect': model, 'ocr.recognize': model },
});
