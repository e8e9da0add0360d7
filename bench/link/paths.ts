/**
 * The two ways that are compared, inside a page: the product's link, and a data channel as the browser gives it. Both
 * carry whole messages and say when there is room for more.
 */
import type { PeerId } from '../../src/core/brand.ts';
import type { Bytes } from '../../src/core/bytes.ts';
import { createEmitter, type Subscribe } from '../../src/core/events.ts';
import type { Link, Priority } from '../../src/mesh/contracts.ts';
import { createLink } from '../../src/mesh/links/link.ts';
import type { SignalBody } from '../../src/mesh/ports.ts';
import { createSelfHealth } from '../../src/mesh/selfHealth.ts';
import { createBrowserClock } from '../../src/platform/browser/clock.ts';
import { createBrowserRtc } from '../../src/platform/browser/rtc.ts';
import { createBrowserTimers } from '../../src/platform/browser/timers.ts';

export type Path = {
  /** Resolves when there is room for the next one. */
  send(message: Bytes, priority: Priority): Promise<void>;
  readonly messages: Subscribe<Bytes>;
};

/** What a path's two ends say to each other before they are connected. */
export type Signalling = {
  readonly signal: (text: string) => void;
  readonly signals: Subscribe<string>;
};

export const clock = createBrowserClock();
export const timers = createBrowserTimers();

export const openLink = (
  { signal, signals }: Signalling,
  initiator: boolean,
): Promise<Path & { link: Link }> =>
  new Promise((resolve, reject) => {
    const session = createBrowserRtc().connect({ initiator, ice: [] });
    session.signals((body) => signal(JSON.stringify(body)));
    signals((text) => session.accept(JSON.parse(text) as SignalBody));
    session.failed(({ message }) => reject(new Error(message)));
    session.opened((channel) => {
      const health = createSelfHealth({ clock, timers });
      const link = createLink(channel, { peer: 'other' as PeerId, clock, health });
      const messages = createEmitter<Bytes>();
      link.messages(({ channel, bytes }) => channel === 'letters' && messages.emit(bytes));
      link.closed(({ message }) => console.error(`the link ended: ${message}`));
      resolve({
        link,
        messages: messages.subscribe,
        async send(message, priority) {
          const sent = await link.send(message, priority, 'letters');
          if (!sent.ok) throw new Error(sent.error.message);
        },
      });
    });
  });

/** As much as a program that wants speed alone would let wait. */
const bareHighWater = 1024 * 1024;

export const openBare = ({ signal, signals }: Signalling, initiator: boolean): Promise<Path> =>
  new Promise((resolve) => {
    const connection = new RTCPeerConnection();
    let described: Promise<unknown> = Promise.resolve();
    connection.onicecandidate = ({ candidate }) =>
      candidate && signal(JSON.stringify({ candidate: candidate.toJSON() }));
    const describe = async () => {
      await connection.setLocalDescription();
      signal(JSON.stringify({ description: connection.localDescription }));
    };
    signals((text) => {
      const { candidate, description } = JSON.parse(text) as {
        candidate?: RTCIceCandidateInit;
        description?: RTCSessionDescriptionInit;
      };
      described = described.then(async () => {
        if (candidate) return connection.addIceCandidate(candidate);
        if (!description) return undefined;
        await connection.setRemoteDescription(description);
        return description.type === 'offer' ? describe() : undefined;
      });
    });
    const take = (channel: RTCDataChannel) => {
      channel.binaryType = 'arraybuffer';
      channel.bufferedAmountLowThreshold = bareHighWater / 2;
      channel.onopen = () => resolve(bareOver(channel));
    };
    connection.ondatachannel = ({ channel }) => take(channel);
    if (!initiator) return;
    take(connection.createDataChannel('bare'));
    void describe();
  });

const bareOver = (channel: RTCDataChannel): Path => {
  const messages = createEmitter<Bytes>();
  channel.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => messages.emit(new Uint8Array(data));
  return {
    messages: messages.subscribe,
    send(message) {
      channel.send(message);
      if (channel.bufferedAmount < bareHighWater) return Promise.resolve();
      return new Promise((resolve) =>
        channel.addEventListener('bufferedamountlow', () => resolve(), { once: true }),
      );
    },
  };
};
