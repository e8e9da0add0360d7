import { accountOf } from '../../../src/ledger/transition/purse.ts';
import type { LedgerState, NetId, ReadOperation } from '../../../src/ledger/types.ts';
import type { SeededRandom } from '../random.ts';
import type { World } from './host.ts';
import { orderOf } from './intents.ts';
import type { Address } from './network.ts';
import { type Owner, openBody, signOperation } from './people.ts';

export type Crime = {
  readonly state: LedgerState;
  readonly mallory: Owner;
  readonly victim: Owner;
  /** Has money, and never opened its account. */
  readonly sleeper: Owner;
  readonly world: World;
  /** Operations that are final, to be ordered once more. */
  readonly past: readonly ReadOperation[];
  readonly random: SeededRandom;
};

type Attempt = (crime: Crime) => readonly ReadOperation[];

/** What a dishonest owner signs, or makes up. Some of it is in order by itself and only wrong together. */
const attempts: Readonly<Record<string, Attempt>> = {
  transfer: (crime) => [transfer(crime, {})],
  'double spend': (crime) => [transfer(crime, {}), transfer(crime, { to: crime.victim.id, amount: 77 })],
  overspend: (crime) => [
    transfer(crime, { amount: balanceOf(crime, crime.mallory) + crime.random.int(3_000) }),
  ],
  replay: ({ past, random }) => (past.length > 0 ? [random.pick(past)] : []),
  gap: (crime) => [transfer(crime, { seq: nextOf(crime, crime.mallory) + 1 + crime.random.int(3) })],
  stale: (crime) => [transfer(crime, { seq: Math.max(1, nextOf(crime, crime.mallory) - 1) })],
  'valid too long': (crime) => [transfer(crime, { validUntil: crime.state.epoch + 7 + crime.random.int(3) })],
  expired: (crime) => (crime.state.epoch > 0 ? [transfer(crime, { validUntil: crime.state.epoch - 1 })] : []),
  'another swarm': (crime) => [transfer(crime, { net: crime.mallory.id as string as NetId })],
  forged: ({ state, mallory, victim, random }) => {
    const { key, seq } = accountOf(state, victim.id);
    const content = {
      net: state.net,
      account: victim.id,
      seq: seq + 1,
      validUntil: state.epoch + random.int(6),
    };
    const body = { to: mallory.id, amount: 1_000 };
    return key ? [signOperation(mallory.device, { ...content, kind: 'transfer', body })] : [];
  },
  'recovery by the device': (crime) => [
    signOperation(deviceOf(crime), {
      ...envelope(crime),
      kind: 'recovery',
      body: { key: crime.mallory.device.publicKey },
    }),
  ],
  'rotation by a false recovery key': (crime) => [
    signOperation(deviceOf(crime), {
      ...envelope(crime),
      kind: 'rotate',
      body: { key: deviceOf(crime).publicKey, by: 'recovery' },
    }),
  ],
  rotation: (crime) => {
    const next = crime.world.scheme.signer("mallory's next device");
    return [
      signOperation(deviceOf(crime), {
        ...envelope(crime),
        kind: 'rotate',
        body: { key: next.publicKey, by: 'current' },
      }),
      // With the key that was just given up, and with the new one.
      transfer(crime, { seq: nextOf(crime, crime.mallory) + 1 }),
    ];
  },
  'the old key': (crime) => [transfer(crime, {}, crime.mallory.device)],
  'new recovery key': (crime) => [
    signOperation(crime.mallory.recovery, {
      ...envelope(crime),
      kind: 'recovery',
      body: { key: crime.world.scheme.signer("mallory's next recovery").publicKey },
    }),
  ],
  'pays itself': (crime) => [transfer(crime, { to: crime.mallory.id })],
  "another's order": (crime) => {
    const { state, mallory, victim, random } = crime;
    const escrow = orderOf(state, victim.id);
    if (!escrow) return [];
    const signed = random.chance(0.5)
      ? signOperation(deviceOf(crime), {
          ...envelope(crime),
          kind: 'settle',
          body: { escrow, payees: [[mallory.id, 1_000]] },
        })
      : signOperation(deviceOf(crime), { ...envelope(crime), kind: 'cancel', body: { escrow } });
    return [signed];
  },
  "the host's proposal": (crime) => {
    const actions = [{ kind: 'treasury', to: crime.mallory.id, amount: 1_000 }] as const;
    const body = { description: 'For me', actions, countersignatures: [] };
    return [signOperation(deviceOf(crime), { ...envelope(crime), kind: 'propose', body })];
  },
  'opening again': (crime) => {
    const device = crime.world.scheme.signer("mallory's next device");
    const body = openBody({ ...crime.mallory, device });
    return [signOperation(device, { ...envelope(crime), kind: 'open', body })];
  },
  'opening with a false certificate': ({ state, mallory, sleeper }) => {
    const { net, epoch } = state;
    const { id: account, recovery } = sleeper;
    const { device } = mallory;
    // Its recovery key is no secret; its signature is.
    const body = openBody({ ...sleeper, device, recovery: { ...recovery, sign: device.sign } });
    return [signOperation(device, { net, account, seq: 1, validUntil: epoch + 1, kind: 'open', body })];
  },
  "another's opening": ({ state, mallory, sleeper, world }) => {
    const device = world.scheme.signer("mallory's next device");
    const { net, epoch } = state;
    const content = { net, account: sleeper.id, seq: 1, validUntil: epoch + 1 };
    return [signOperation(device, { ...content, kind: 'open', body: openBody({ ...mallory, device }) })];
  },
};
/** Some can be tried at few moments only: they are drawn more often. */
const names = [...Object.keys(attempts), 'expired', 'expired', 'valid too long', 'overspend', 'the old key'];

export const commit = (crime: Crime, name = crime.random.pick(names)): readonly ReadOperation[] =>
  attempts[name]?.(crime) ?? [];

/** The same for a block: an account that is not open yet is opened in it first. */
export const commitInBlock = (crime: Crime, name?: string): readonly ReadOperation[] => {
  const { state, mallory } = crime;
  const { key } = accountOf(state, mallory.id);
  if (key || name?.startsWith('opening')) return commit(crime, name);
  const opened = { ...accountOf(state, mallory.id), seq: 1, key: mallory.device.publicKey };
  const accounts = state.accounts.set(mallory.id, { ...opened, recovery: mallory.recovery.publicKey });
  const then = commit({ ...crime, state: { ...state, accounts } }, name);
  return then.length > 0 ? [opening(state, mallory), ...then] : [];
};

/** Tries everything, at many keepers. */
export class Mallory {
  constructor(
    world: World,
    address: Address,
    crime: () => Omit<Crime, 'random' | 'world'>,
    random: SeededRandom,
  ) {
    const { network, keepers, plan } = world;
    const act = () => {
      if (network.now > plan.healAt + 2_000) return;
      const { state, mallory } = crime();
      const opened = accountOf(state, mallory.id).key !== null;
      const operations = opened ? commit({ ...crime(), world, random }) : [opening(state, mallory)];
      for (const to of keepers) {
        // Different keepers hear different things first.
        const heard = random.chance(0.5) ? operations : operations.toReversed();
        for (const operation of heard)
          if (!opened || random.chance(0.7))
            network.send(address, to, { t: 'operation', operation, from: 'owner' });
      }
      network.after(random.between(150, 900), act);
    };
    network.after(random.between(0, 300), act);
  }
}

const opening = ({ net, epoch }: LedgerState, mallory: Owner): ReadOperation =>
  signOperation(mallory.device, {
    net,
    account: mallory.id,
    seq: 1,
    validUntil: epoch + 3,
    kind: 'open',
    body: openBody(mallory),
  });

const envelope = (crime: Crime) => ({
  net: crime.state.net,
  account: crime.mallory.id,
  seq: nextOf(crime, crime.mallory),
  validUntil: crime.state.epoch + crime.random.int(7),
});

const transfer = (
  crime: Crime,
  change: { to?: Owner['id']; amount?: number; seq?: number; validUntil?: number; net?: NetId },
  signer = deviceOf(crime),
): ReadOperation => {
  const { to = crime.victim.id, amount = 1 + crime.random.int(50_000), ...rest } = change;
  return signOperation(signer, { ...envelope(crime), ...rest, kind: 'transfer', body: { to, amount } });
};

const deviceOf = ({ state, mallory, world }: Crime) => {
  const next = world.scheme.signer("mallory's next device");
  const { key } = accountOf(state, mallory.id);
  return key?.every((byte, i) => byte === next.publicKey[i]) ? next : mallory.device;
};
const nextOf = ({ state }: Crime, { id }: Owner): number => accountOf(state, id).seq + 1;
const balanceOf = ({ state }: Crime, { id }: Owner): number => accountOf(state, id).balance;
