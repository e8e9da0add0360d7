import { describe, expect, it } from 'vitest';
import type { PeerId } from '../../core/brand.ts';
import { openIdentity } from '../../identity/index.ts';
import { createHashCrypto, createTestIdentityDeps } from '../../identity/testDoubles.ts';
import { createChannelPair, createManualTime, settle, type TestChannel } from '../testDoubles.ts';
import { introduce } from './introduction.ts';
import { createLink } from './link.ts';

const crypto = createHashCrypto();

/** A tab that greets, and that hangs up with the reason when it does not like who answers. */
const meet = async (channel: TestChannel, protocol: number) => {
  const time = createManualTime();
  const { identity } = await openIdentity(createTestIdentityDeps(crypto));
  const link = createLink(channel, {
    peer: 'peer' as PeerId,
    ...time,
    health: { patience: () => 1, beats: () => () => {} },
  });
  const own = { protocol, build: 'test', credentials: identity.credentials };
  const met: string[] = [];
  const options = { peer: 'peer' as PeerId, own, fingerprint: () => undefined };
  void introduce(link, { remoteFingerprint: async () => undefined }, { crypto }, options).then((result) => {
    met.push(result.ok ? 'met' : result.error.message);
    if (!result.ok) link.close(result.error.message);
  });
  return met;
};

describe('tabs of different versions', () => {
  it('both learn it, although one of them has greeted only half-way when it hears the other', async () => {
    const [here, there] = createChannelPair();
    there.manual = true;
    const older = await meet(here, 1);
    const newer = await meet(there, 2);
    await settle();
    expect(newer).toEqual([]); // it knows already, and waits until it has greeted
    there.manual = false;
    for (let turn = 0; turn < 10; turn++) {
      there.flush();
      await settle();
    }
    expect(older).toEqual([expect.stringMatching(/speaks protocol 2.*reload this tab/)]);
    expect(newer).toEqual([expect.stringMatching(/speaks protocol 1.*reload the other tab/)]);
  });
});
