/** RPC over one link, without the overlay between: what two benches call over it. */
import * as v from 'valibot';
import type { PeerId } from '../../src/core/brand.ts';
import type { Bytes } from '../../src/core/bytes.ts';
import { createEmitter } from '../../src/core/events.ts';
import { ok } from '../../src/core/result.ts';
import type { Link, MessageTransport, Method } from '../../src/mesh/contracts.ts';

export const echoMethod: Method<Uint8Array, Uint8Array, null> = {
  name: 'bench.echo',
  input: v.instance(Uint8Array),
  output: v.instance(Uint8Array),
  progress: v.null(),
  priority: 'control',
};

/** One protocol's share of a link, as the overlay hands it out to RPC. */
export const transportOver = (link: Link, other: PeerId): MessageTransport => {
  const messages = createEmitter<{ from: PeerId; bytes: Bytes }>();
  link.messages(({ channel, bytes }) => channel === 'rpc' && messages.emit({ from: other, bytes }));
  return {
    self: 'self' as PeerId,
    reach: async () => ok(undefined),
    send: (_to, message, priority) => link.send(message, priority, 'rpc'),
    messages: messages.subscribe,
    changes: () => () => {},
    expel: (_peer, reason) => console.error(`expelled: ${reason}`),
  };
};
