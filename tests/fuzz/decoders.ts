/**
 * Everything that takes bytes from a stranger, with messages it accepts. `decode` tells whether it accepted; whatever comes,
 * it must not throw.
 */
import {
  type BusMessage,
  decodeBusMessage,
  encodeBusMessage,
  type ProcessId,
} from '../../server/busProtocol.ts';
import { openAct } from '../../src/admission/acts.ts';
import { verifyCapability } from '../../src/admission/capability.ts';
import { createHistory, openPerson } from '../../src/admission/testDoubles.ts';
import { byteCount, milliseconds, type PeerId, type RoomId, type Sha256 } from '../../src/core/brand.ts';
import { type Bytes, concatBytes, utf8 } from '../../src/core/bytes.ts';
import { decodeCbor, encodeCbor } from '../../src/core/codec.ts';
import { unwrap } from '../../src/core/result.ts';
import { decodeWith } from '../../src/core/schema.ts';
import { openIdentity } from '../../src/identity/index.ts';
import {
  createHashCrypto,
  createNodeCryptoForTests,
  createTestIdentityDeps,
} from '../../src/identity/testDoubles.ts';
import { openBroadcast, sealBroadcast } from '../../src/mesh/broadcast/message.ts';
import { decodeBroadcastMessage, encodeBroadcastMessage } from '../../src/mesh/broadcast/wire.ts';
import { decodeRecord, encodeRecord } from '../../src/mesh/directory/record.ts';
import { openEnvelope, sealEnvelope } from '../../src/mesh/handshake/envelope.ts';
import { acceptGreeting, encodeGreeting, meshProtocol } from '../../src/mesh/handshake/greeting.ts';
import {
  decodeLetterMessage,
  encodeLetterMessage,
  openAck,
  openLetter,
  signAck,
  signLetter,
} from '../../src/mesh/letters/protocol.ts';
import { decodeOverlayMessage, encodeOverlayMessage } from '../../src/mesh/overlay/protocol.ts';
import { encodeRpc, rpcLimits, rpcMessageSchema } from '../../src/mesh/rpc/protocol.ts';
import {
  decodeClientMessage,
  decodeServerMessage,
  encodeSignaling,
  signalingProtocol,
} from '../../src/mesh/signaling/protocol.ts';
import { decodeFrame, encodeFrame } from '../../src/mesh/wire/frames.ts';
import {
  bytesSource,
  decodeModel,
  encodeModel,
  joinChunks,
  readModel,
  readSafetensors,
} from '../../src/onnx/codec/index.ts';
import { modelOf, node, tensor } from '../../src/onnx/codec/testDoubles.ts';
import { referenceModel } from '../../src/onnx/codec/testVectors.ts';
import type { SeededRandom } from '../simulation/random.ts';

export type FuzzTarget = {
  readonly name: string;
  readonly valid: readonly Bytes[];
  /** Another way to damage than `mutate`. */
  readonly damage?: (valid: Bytes, random: SeededRandom) => Bytes;
  readonly decode: (bytes: Bytes) => boolean | Promise<boolean>;
};

const id = 'i'.repeat(43) as PeerId;
const room = 'r'.repeat(43) as RoomId;

export const createFuzzTargets = async (): Promise<readonly FuzzTarget[]> => {
  const crypto = createHashCrypto();
  const { identity } = await openIdentity(createTestIdentityDeps(crypto));
  const { peer, nodeSigner: signer } = identity;
  const own = { protocol: meshProtocol, build: 'b', credentials: identity.credentials };
  const sdp = `v=0\r\na=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}\r\n`;
  const fingerprint = Array(32).fill('AB').join(':');
  // Behind the seal, where only members of the room can be hostile.
  const seal = {
    seal: async (bytes: Uint8Array) => new Uint8Array(bytes),
    open: async (bytes: Uint8Array) => new Uint8Array(bytes),
  };
  const envelope = { v: 2 as const, room, from: peer, to: id, session: 's'.repeat(22) };
  const candidate = { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: 0 };
  const topics = { news: { critical: false, maxBytes: 1_000 } };
  const payload = utf8('what is said');
  const { id: broadcastId, bytes: broadcast } = await sealBroadcast(
    { v: 1, room, from: peer, topic: 'news', at: 1_000, nonce: new Uint8Array(16), payload },
    signer,
  );
  const letterId = new Uint8Array(16);
  const letter = await signLetter({ v: 1, room, from: peer, to: id, id: letterId, at: 1, payload }, signer);
  const ack = await signAck({ v: 1, room, id: letterId, from: peer }, signer);
  const bytes32 = new Uint8Array(32);
  // Tokens are checked by WebCrypto, so their keys are real ones.
  const realCrypto = createNodeCryptoForTests();
  const founder = await openPerson(realCrypto);
  const operator = await openPerson(realCrypto);
  const { swarm, act, tokenFor } = createHistory(founder, realCrypto);
  const [ofFounder, ofOperator] = [
    await act(founder, { t: 'remove', account: operator.account, reason: 'spam', called: 'Ben', ends: [] }),
    await act(operator, { t: 'readmit', account: operator.account }),
  ];
  const token = await tokenFor(operator, 1_000_000);
  const signature = new Uint8Array(64);
  const server = 'p'.repeat(22) as ProcessId;
  const busMessages: BusMessage[] = [
    { t: 'beat', process: server, key: { born: 5, bytes: bytes32 } },
    { t: 'joined', process: server, room, n: 7, after: 5, peer: id, at: 1_000 },
    { t: 'left', process: server, room, n: 8, after: 7, peer: id },
    { t: 'ask', process: server, room, n: 8 },
    { t: 'list', process: server, room, n: 8, part: 0, parts: 1, peers: [id, peer] },
    { t: 'relay', process: server, room, from: peer, to: id, payload, network: 'n' },
    { t: 'carry', process: server, room, from: peer, to: id, payload },
    { t: 'gone', process: server, room, to: id, peer },
  ];
  return [
    {
      name: 'CBOR',
      valid: [encodeCbor({ a: [1, -5, 1.5, 'text', null, true, new Uint8Array(3)], b: { c: 2 ** 40 } })],
      decode: (bytes) => decodeCbor(bytes, { maxBytes: 1_000, maxDepth: 8 }).ok,
    },
    {
      name: 'administrative acts',
      valid: [ofFounder.bytes, ofOperator.bytes],
      decode: async (bytes) => (await openAct(bytes, swarm, realCrypto)).ok,
    },
    {
      name: 'capability tokens',
      valid: [utf8(token)],
      decode: async (bytes) => {
        const text = new TextDecoder().decode(bytes);
        const expected = { swarm: swarm.id, now: 1_000_000, holder: operator };
        return (await verifyCapability(text, expected, realCrypto)).ok;
      },
    },
    {
      name: 'frames',
      valid: [
        encodeFrame({
          kind: 'message',
          priority: 'bulk',
          channel: 'rpc',
          id: 7,
          total: 40,
          offset: 4,
          part: utf8('part'),
        }),
        encodeFrame({
          kind: 'message',
          priority: 'control',
          channel: 'rpc',
          id: 8,
          total: 9,
          offset: 4,
          part: utf8('parts'),
          narrow: true,
        }),
        encodeFrame({ kind: 'ping', nonce: 9 }),
        encodeFrame({ kind: 'close', reason: 'bye' }),
      ],
      decode: (bytes) => decodeFrame(bytes).ok,
    },
    {
      name: 'signaling, at the server',
      valid: [
        encodeSignaling({
          t: 'hello',
          protocol: signalingProtocol,
          room,
          nodeKey: bytes32,
          build: 'b',
          signature,
        }),
        encodeSignaling({ t: 'relay', to: id, payload }),
        encodeSignaling({ t: 'carry', to: id, payload }),
        encodeSignaling({ t: 'find' }),
        encodeSignaling({ t: 'ping', n: 1 }),
      ],
      decode: (bytes) => decodeClientMessage(bytes).ok,
    },
    {
      name: 'signaling, at the tab',
      valid: [
        encodeSignaling({ t: 'challenge', nonce: bytes32, protocol: signalingProtocol }),
        encodeSignaling({
          t: 'welcome',
          self: id,
          peers: [id],
          others: 1,
          now: 5,
          ice: [{ urls: ['stun:a'] }],
          carries: 65_536,
        }),
        encodeSignaling({ t: 'carry', from: id, payload }),
        encodeSignaling({ t: 'relay', from: id, payload, network: 'n' }),
        encodeSignaling({ t: 'refused', code: 'rate', message: 'slower', retryAfterMs: 5 }),
      ],
      decode: (bytes) => decodeServerMessage(bytes).ok,
    },
    {
      name: 'the bus between servers',
      valid: busMessages.map(encodeBusMessage),
      decode: (bytes) => decodeBusMessage(bytes).ok,
    },
    {
      name: 'envelopes',
      valid: [
        await sealEnvelope({ ...envelope, signal: { kind: 'offer', sdp, fingerprint } }, { signer, seal }),
        await sealEnvelope({ ...envelope, signal: { kind: 'candidate', candidate } }, { signer, seal }),
        await sealEnvelope(
          { ...envelope, signal: { kind: 'carried-offer', key: bytes32 } },
          { signer, seal },
        ),
      ],
      decode: async (bytes) => (await openEnvelope(bytes, { room, from: peer, to: id }, { crypto, seal })).ok,
    },
    {
      name: 'greetings',
      valid: [encodeGreeting(own)],
      decode: async (bytes) => (await acceptGreeting(bytes, { peer, own }, crypto)).ok,
    },
    {
      name: 'the overlay',
      valid: [
        encodeOverlayMessage({ t: 'neighbor', urgent: true }),
        encodeOverlayMessage({ t: 'shuffle', peers: [id, id], ttl: 3, path: [id] }),
        encodeOverlayMessage({ t: 'declined', peers: [id] }),
        encodeOverlayMessage({ t: 'direct' }),
      ],
      decode: (bytes) => decodeOverlayMessage(bytes).ok,
    },
    {
      name: 'gossip',
      valid: [
        encodeBroadcastMessage({ t: 'gossip', id: broadcastId, hops: 2, message: broadcast, repair: false }),
        encodeBroadcastMessage({ t: 'ihave', ids: [broadcastId] }),
        encodeBroadcastMessage({ t: 'summary', sum: 77 }),
      ],
      decode: (bytes) => decodeBroadcastMessage(bytes).ok,
    },
    {
      name: 'broadcasts',
      valid: [broadcast],
      decode: async (bytes) => (await openBroadcast(bytes, { room, now: 2_000, topics }, crypto)).ok,
    },
    {
      name: 'peer records',
      valid: [
        encodeRecord({
          v: 1,
          credentials: identity.credentials,
          lifetime: milliseconds(60_000),
          capabilities: { models: ['a'.repeat(64) as Sha256], gpu: true, memory: byteCount(8), freeSlots: 2 },
          neighbors: [{ peer: id, rtt: -1 }],
          about: payload,
        }),
      ],
      decode: (bytes) => decodeRecord(bytes).ok,
    },
    {
      name: 'letters on a link',
      valid: [
        encodeLetterMessage({ t: 'letter', ttl: 5, letter }),
        encodeLetterMessage({ t: 'ack', id: letterId, ack }),
        encodeLetterMessage({ t: 'lost', id: letterId, why: 'no way' }),
      ],
      decode: (bytes) => decodeLetterMessage(bytes).ok,
    },
    { name: 'letters', valid: [letter], decode: async (bytes) => (await openLetter(bytes, room, crypto)).ok },
    {
      name: 'acknowledgements',
      valid: [ack],
      decode: async (bytes) => (await openAck(bytes, { room, from: peer }, crypto)).ok,
    },
    {
      name: 'RPC',
      valid: [
        encodeRpc({ t: 'call', id: 3, m: 'node.status', i: { a: 1 }, d: 10_000 }),
        encodeRpc({ t: 'error', id: 3, c: 'refused', s: 'no' }),
        encodeRpc({ t: 'answer', id: 3, v: [1, 2, { b: new Uint8Array(9) }] }),
      ],
      decode: (bytes) =>
        decodeWith(rpcMessageSchema, bytes, {
          maxBytes: rpcLimits.maxMessageBytes,
          maxDepth: rpcLimits.maxDepth,
        }).ok,
    },
    {
      name: 'ONNX models',
      valid: [referenceModel(), smallModel],
      // What was accepted can be written, and read again.
      decode: (bytes) => {
        const model = decodeModel(bytes);
        if (!model.ok) return false;
        const again = decodeModel(joinChunks(unwrap(encodeModel(model.value))));
        if (!again.ok) throw new Error(again.error.message);
        return true;
      },
    },
    {
      name: 'ONNX models in a stream',
      valid: [smallModel],
      decode: async (bytes) => (await readModel(bytesSource(bytes), { lazyAbove: 8 })).ok,
    },
    {
      name: 'safetensors',
      valid: [safetensors],
      decode: async (bytes) => (await readSafetensors(bytesSource(bytes))).ok,
    },
  ];
};

const smallModel = joinChunks(
  unwrap(
    encodeModel(
      modelOf({
        nodes: [node('Add', ['x', 'w'], ['y'])],
        initializers: new Map([['w', tensor([12], new Uint8Array(12).fill(3))]]),
        inputs: [{ name: 'x', type: { kind: 'tensor', dtype: 'float32', shape: ['N', 3] } }],
      }),
    ),
  ),
);
const header =
  '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}';
const safetensors = concatBytes(
  Uint8Array.of(header.length, 0, 0, 0, 0, 0, 0, 0),
  utf8(header),
  new Uint8Array(3),
);
