import type { Milliseconds, PeerId, RoomId } from '../core/brand.ts';
import { milliseconds } from '../core/brand.ts';
import { createStore, type Store, type Unsubscribe } from '../core/events.ts';
import type { CryptoPort } from '../core/ports/crypto.ts';
import type { Random } from '../core/ports/random.ts';
import type { Telemetry } from '../core/ports/telemetry.ts';
import type { Timers } from '../core/ports/timers.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import type { LocalIdentity } from '../identity/types.ts';
import type { Overlay, Rpc } from '../mesh/contracts.ts';
import type { BookState } from './book.ts';
import { type Capability, capabilityLife, issueCapability, verifyCapability } from './capability.ts';
import { renewMethod, showMethod } from './methods.ts';
import { type Role, roles } from './protocol.ts';
import { hasRole, whyNotIssued } from './standing.ts';

export type OwnToken = { readonly token: string; readonly capability: Capability };

export interface Tokens {
  /** What this device may prove now. Empty for the founder, whom the swarm's id names. */
  readonly own: Store<ReadonlyMap<Role, OwnToken>>;
  /** A token that is good now; asks for one if there is none. */
  obtain(role: Role): Promise<Result<string, Fault<'no-token'>>>;
  /** Roles that a linked peer has proved and that still hold. */
  shownBy(peer: PeerId): readonly Role[];
  close(): void;
}

export type TokensDeps = {
  readonly identity: LocalIdentity;
  readonly state: Store<BookState>;
  readonly overlay: Pick<Overlay, 'peers' | 'changes'>;
  readonly rpc: Rpc;
  readonly crypto: CryptoPort;
  readonly timers: Timers;
  readonly random: Pick<Random, 'bytes'>;
  readonly telemetry: Telemetry;
  /** Unix ms by the swarm's clock. */
  readonly now: () => Milliseconds;
};

const checkEvery = milliseconds(15_000);
const deadline = milliseconds(5_000);
/** What is left of a token's life when the next is asked for: a third. */
const renewBefore = (capabilityLife.seconds * 1_000) / 3;

/**
 * Renews this device's capability tokens while its account has a role, shows them to neighbours, and remembers what they have
 * shown. Answers renewals as far as the log allows. Doesn't know what a role is good for.
 */
export const createTokens = (deps: TokensDeps, swarm: RoomId): Tokens => {
  const { identity, state, overlay, rpc, telemetry, now } = deps;
  const own = createStore<ReadonlyMap<Role, OwnToken>>(new Map());
  const shown = new Map<PeerId, Map<Role, Capability>>();
  const asking = new Map<Role, Promise<boolean>>();
  let closed = false;

  const standing = () => state.get().standing;
  const isFounder = identity.account === standing().founder;
  const entitled = (role: Role) => !isFounder && hasRole(standing(), identity.account, role);
  const linked = (peer: PeerId) => overlay.peers().find((known) => known.peer === peer);

  const show = async (peer: PeerId, token: string): Promise<void> => {
    const told = await rpc.call(peer, showMethod, { token }, { deadline });
    if (!told.ok) telemetry.log('info', 'admission', `token not accepted: ${told.error.message}`, { peer });
  };

  /** The founder's devices first: their word needs no log. */
  const issuers = () =>
    overlay
      .peers()
      .filter(({ account }) => account !== identity.account)
      .filter(({ account }) => account === standing().founder || hasRole(standing(), account, 'operator'))
      .sort((a, b) => Number(b.account === standing().founder) - Number(a.account === standing().founder));

  const askAll = async (role: Role): Promise<boolean> => {
    for (const { peer } of issuers()) {
      const answer = await rpc.call(peer, renewMethod, { role }, { deadline });
      if (closed || !entitled(role)) return false;
      const refused = answer.ok
        ? await accept(role, answer.value.token)
        : `not renewed: ${answer.error.message}`;
      if (refused === undefined) return true;
      telemetry.log('info', 'admission', refused, { peer, role });
    }
    return false;
  };

  /** Why not, or undefined. */
  const accept = async (role: Role, token: string): Promise<string | undefined> => {
    const verified = await verifyCapability(
      token,
      { swarm, now: now(), holder: identity, role },
      deps.crypto,
    );
    if (!verified.ok) return verified.error.message;
    const objection = whyNotIssued(standing(), verified.value);
    if (objection) return objection.message;
    own.set(new Map(own.get()).set(role, { token, capability: verified.value }));
    for (const { peer } of overlay.peers()) void show(peer, token);
    return undefined;
  };

  const ask = (role: Role): Promise<boolean> => {
    const under = asking.get(role) ?? askAll(role).finally(() => asking.delete(role));
    asking.set(role, under);
    return under;
  };

  const isGood = ({ capability }: OwnToken): boolean =>
    capability.expiresAt > now() && whyNotIssued(standing(), capability) === undefined;

  const check = () => {
    const good = [...own.get()].filter(([, token]) => isGood(token));
    if (good.length < own.get().size) own.set(new Map(good));
    for (const role of roles) {
      const left = (own.get().get(role)?.capability.expiresAt ?? 0) - now();
      if (entitled(role) && left < renewBefore) void ask(role);
    }
  };

  const onRenew = async (role: Role, from: PeerId): Promise<Result<{ token: string }, Fault<'refused'>>> => {
    const holder = linked(from);
    if (!holder) return err(fault('refused', 'this node is not linked to you'));
    const objection =
      isFounder || hasRole(standing(), identity.account, 'operator')
        ? whyNotIssued(standing(), { issuer: identity.account, holder, role })
        : fault('issuer', 'this node is neither the founder’s nor an operator’s');
    if (objection) return err(fault('refused', objection.message));
    const issuer = {
      signer: identity.deviceSigner,
      account: identity.account,
      certificate: identity.credentials.device,
    };
    const { account, device } = holder;
    const grant = { holder: { account, device }, swarm, role };
    return ok({ token: await issueCapability(issuer, grant, { now: now(), random: deps.random }) });
  };

  const onShow = async (token: string, from: PeerId): Promise<Result<null, Fault<'refused'>>> => {
    const holder = linked(from);
    if (!holder) return err(fault('refused', 'this node is not linked to you'));
    const verified = await verifyCapability(token, { swarm, now: now(), holder }, deps.crypto);
    if (!verified.ok) return err(fault('refused', verified.error.message));
    const objection = whyNotIssued(standing(), verified.value);
    if (objection) return err(fault('refused', objection.message));
    if (linked(from)) {
      const known = shown.get(from) ?? new Map<Role, Capability>();
      shown.set(from, known.set(verified.value.role, verified.value));
    }
    return ok(null);
  };

  const stops: readonly Unsubscribe[] = [
    rpc.handle(renewMethod, ({ role }, { from }) => onRenew(role, from)),
    rpc.handle(showMethod, ({ token }, { from }) => onShow(token, from)),
    overlay.changes((change) => {
      if (change.kind === 'down') shown.delete(change.peer);
      if (change.kind !== 'up') return;
      for (const { token } of own.get().values()) void show(change.peer.peer, token);
      check();
    }),
    state.subscribe(check),
    deps.timers.every(checkEvery, check),
  ];
  check();

  return {
    own,
    async obtain(role) {
      check();
      if (!own.get().has(role)) await ask(role);
      const found = own.get().get(role);
      return found
        ? ok(found.token)
        : err(
            fault(
              'no-token',
              `Your permission as ${role} has run out, and nobody is here who can renew it. Ask the founder or another operator to open this swarm, then try again.`,
            ),
          );
    },
    shownBy: (peer) =>
      [...(shown.get(peer)?.values() ?? [])]
        .filter((token) => token.expiresAt > now() && whyNotIssued(standing(), token) === undefined)
        .map(({ role }) => role),
    close() {
      closed = true;
      for (const stop of stops) stop();
    },
  };
};
