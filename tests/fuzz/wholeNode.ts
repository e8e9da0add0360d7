/**
 * Whole nodes in memory: overlay, broadcasts, records, letters and RPC as a tab joins them, over the doubles of WebRTC and
 * signaling. What a node sees of its peers is noted: whom it blames, whom it expels, and every error it logs.
 */
import * as v from 'valibot';
import { byteCount, milliseconds, type PeerId, type RoomId } from '../../src/core/brand.ts';
import { utf8 } from '../../src/core/bytes.ts';
import { silentTelemetry, type Telemetry } from '../../src/core/ports/telemetry.ts';
import { ok } from '../../src/core/result.ts';
import { openIdentity } from '../../src/identity/index.ts';
import {
  createHashCrypto,
  createHashSealing,
  createTestIdentityDeps,
} from '../../src/identity/testDoubles.ts';
import { createBroadcast } from '../../src/mesh/broadcast/broadcast.ts';
import type { Method, Overlay } from '../../src/mesh/contracts.ts';
import { createDirectory } from '../../src/mesh/directory/directory.ts';
import { createPost } from '../../src/mesh/letters/post.ts';
import { createOverlay } from '../../src/mesh/overlay/overlay.ts';
import { meshTopics } from '../../src/mesh/p2p.ts';
import { encodeRpc } from '../../src/mesh/rpc/protocol.ts';
import { createRpc } from '../../src/mesh/rpc/rpc.ts';
import {
  createManualTime,
  createRtcHub,
  createSignalingHub,
  createTestRandom,
  settle,
} from '../../src/mesh/testDoubles.ts';

export const room = 'r'.repeat(43) as RoomId;
export const crypto = createHashCrypto();
export const epoch = 1_790_000_000_000;
export const echo: Method<string, string, null> = {
  name: 'echo',
  input: v.pipe(v.string(), v.maxLength(100)),
  output: v.string(),
  progress: v.null(),
  priority: 'control',
};

export const createTown = (seed: number) => {
  const time = createManualTime();
  const rtc = createRtcHub();
  const signaling = createSignalingHub();
  const now = () => milliseconds(epoch + time.clock.monotonic());
  let opened = 0;

  const openBare = async (telemetry: Telemetry) => {
    const { identity } = await openIdentity(createTestIdentityDeps(crypto));
    const client = signaling.clientOf(identity.peer);
    const letter = String.fromCharCode(65 + (opened++ % 6));
    const shared = {
      crypto,
      sealing: createHashSealing(),
      random: createTestRandom(seed * 100 + opened),
      telemetry,
      ...time,
    };
    const overlay = createOverlay(
      { ...shared, identity, signaling: client, rtc: rtc.connectorOf(letter, identity.peer) },
      { room, secret: new Uint8Array(16), build: 'test' },
    );
    client.start();
    return { identity, peer: identity.peer, overlay, shared };
  };

  return {
    time,
    rtc,
    now,
    /** Links, and nothing above them: the test speaks for it. */
    openStranger: () => openBare(createErrorLog().telemetry),
    async openNode() {
      const { telemetry, errors } = createErrorLog();
      const { identity, peer, overlay: real, shared } = await openBare(telemetry);
      const { overlay, blamed } = watched(real);
      const tree = overlay.transport('broadcast');
      const broadcast = createBroadcast(
        {
          ...shared,
          now,
          signer: identity.nodeSigner,
          neighborhood: {
            self: peer,
            send: tree.send,
            messages: tree.messages,
            neighbors: overlay.neighborChanges,
            observe: overlay.observe,
            rtt: (other) => overlay.stats(other)?.rtt,
          },
        },
        { room, topics: meshTopics },
      );
      const directory = createDirectory({
        ...shared,
        now,
        overlay,
        broadcast,
        credentials: identity.credentials,
        own: () => ({
          capabilities: { models: [], gpu: false, memory: byteCount(0), freeSlots: 0 },
          about: utf8('about'),
        }),
        readAbout: (about) => ok(new TextDecoder().decode(about)),
      });
      const linksOf = (other: PeerId) =>
        directory.records
          .get()
          .get(other)
          ?.neighbors.map((link) => link.peer) ?? [];
      const post = createPost(
        {
          ...shared,
          now,
          overlay,
          transport: overlay.transport('letters'),
          linksOf,
          signer: identity.nodeSigner,
        },
        { room },
      );
      const rpc = createRpc(overlay.transport('rpc'), shared);
      rpc.handle(echo, async (text) => ok(text));
      const heard: string[] = [];
      broadcast.subscribe('app', ({ payload }) => heard.push(new TextDecoder().decode(payload)));
      return { identity, peer, overlay, broadcast, directory, post, rpc, blamed, errors, heard };
    },
    /** The offender's end of its link with somebody: the one over which it says something now. */
    async channelOf(overlay: Overlay, to: PeerId) {
      const before = rtc.channels.map(({ sent }) => sent.length);
      await overlay.transport('rpc').send(to, encodeRpc({ t: 'pong', n: 1 }), 'control');
      await settle();
      const channel = rtc.channels.find(({ sent }, i) => sent.length > (before[i] ?? 0));
      if (!channel) throw new Error('there is no link to speak over');
      return channel;
    },
  };
};

export type WholeNode = Awaited<ReturnType<ReturnType<typeof createTown>['openNode']>>;

/** With whom it was displeased, in order: observations that are not merits, and expulsions. */
const watched = (overlay: Overlay) => {
  const blamed: { readonly peer: PeerId; readonly why: string }[] = [];
  const expel: Overlay['expel'] = (peer, reason) => {
    blamed.push({ peer, why: reason });
    overlay.expel(peer, reason);
  };
  overlay.changes((change) => {
    if (change.kind === 'down' && change.reason.code === 'misbehaved')
      blamed.push({ peer: change.peer, why: change.reason.message });
  });
  const watching: Overlay = {
    ...overlay,
    expel,
    observe(peer, observation) {
      if (observation !== 'delivered') blamed.push({ peer, why: observation });
      overlay.observe(peer, observation);
    },
    transport: (channel) => ({ ...overlay.transport(channel), expel }),
  };
  return { overlay: watching, blamed };
};

const createErrorLog = () => {
  const errors: string[] = [];
  const telemetry: Telemetry = {
    ...silentTelemetry,
    log: (level, component, message) => {
      if (level === 'error') errors.push(`${component}: ${message}`);
    },
  };
  return { telemetry, errors };
};
