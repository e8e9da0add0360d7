import type { AccountId, DeviceId } from '../core/brand.ts';
import { type Fault, fault } from '../core/result.ts';
import type { Act } from './acts.ts';
import type { Capability } from './capability.ts';
import { type Fork, inOrder, resolveChains } from './chains.ts';
import type { ActId, ChainEnd, Deed, Role } from './protocol.ts';

export type Removal = { readonly by: AccountId; readonly reason: string; readonly at: number };

export type VoidReason = Fault<
  /** another act of this device counts in its place, or it follows such a one, or one that isn't here */
  | 'fork'
  /** beyond the last act that a withdrawal lets stand */
  | 'back-dated'
  /** its author may not do that */
  | 'not-entitled'
  /** it could not be done: the founder can't be removed, nobody is let in who is in */
  | 'pointless'
>;

/** Who may what in a private swarm, as all acts together say. */
export type Standing = {
  readonly founder: AccountId;
  /** As the founder named it; undefined: by the words of its id. */
  readonly name: string | undefined;
  readonly roles: ReadonlyMap<AccountId, ReadonlySet<Role>>;
  readonly removed: ReadonlyMap<AccountId, Removal>;
  /** Everybody who ever was operator: only their acts and the founder's are kept at all. */
  readonly everOperators: ReadonlySet<AccountId>;
  /** Acts without effect, and why. */
  readonly voided: ReadonlyMap<ActId, VoidReason>;
  readonly forks: readonly Fork[];
};

type Draft = {
  readonly founder: AccountId;
  name: string | undefined;
  readonly roles: Map<AccountId, Set<Role>>;
  readonly removed: Map<AccountId, Removal>;
};

/**
 * Folds acts into what they come to. Pure, and the same for the same acts in whatever order they are given. Doesn't know how
 * acts travel nor who is here.
 */
export const standingOf = (acts: readonly Act[], founder: AccountId): Standing => {
  const ordered = acts.toSorted(inOrder);
  const decrees = decreesOf(ordered, founder);
  const { linked, forks } = resolveChains(ordered, decrees.pinned);
  const draft: Draft = { founder, name: undefined, roles: new Map(), removed: new Map() };
  const everOperators = new Set<AccountId>();
  const voided = new Map<ActId, VoidReason>();
  for (const act of ordered) {
    const reason = !linked.has(act.id)
      ? fault('fork', 'another act of this device counts in its place')
      : (whyEnded(act, decrees.ends) ?? whyVoid(draft, act));
    if (reason) {
      voided.set(act.id, reason);
      continue;
    }
    apply(draft, act);
    if (act.deed.t === 'grant' && act.deed.role === 'operator') everOperators.add(act.deed.account);
  }
  return { ...draft, everOperators, voided, forks };
};

/** Whether somebody may do a deed now: the same question that the fold asks of every act. */
export const whyNot = (
  standing: Pick<Standing, 'founder' | 'roles' | 'removed'>,
  author: AccountId,
  deed: Deed,
): VoidReason | undefined => {
  if (deed.t !== 'rename' && deed.account === standing.founder)
    return fault('pointless', 'the founder can be neither removed nor given or refused a role');
  if (author !== standing.founder) return whyNotAsOperator(standing, author, deed);
  if (deed.t === 'grant' && standing.removed.has(deed.account))
    return fault('pointless', 'who was removed has to be let back in first');
  if (deed.t === 'readmit' && !standing.removed.has(deed.account))
    return fault('pointless', 'this person is not removed');
  return undefined;
};

/** Whether whoever signed a token was entitled to: the half of its checking that needs the log. */
export const whyNotIssued = (
  standing: Pick<Standing, 'founder' | 'roles' | 'removed' | 'everOperators'>,
  { issuer, holder, role }: Pick<Capability, 'issuer' | 'holder' | 'role'>,
): Fault<'issuer' | 'issuer-withdrawn' | 'not-granted'> | undefined => {
  if (issuer !== standing.founder) {
    if (issuer === holder.account) return fault('issuer', 'nobody but the founder issues tokens to himself');
    if (!hasRole(standing, issuer, 'operator'))
      return standing.everOperators.has(issuer)
        ? fault('issuer-withdrawn', 'whoever issued the token is operator no more: renew it')
        : fault('issuer', 'whoever issued the token is neither founder nor operator');
  }
  if (!hasRole(standing, holder.account, role))
    return fault('not-granted', `the swarm's log does not make this account ${role}`);
  return undefined;
};

export const hasRole = (
  { roles, removed }: Pick<Standing, 'roles' | 'removed'>,
  account: AccountId,
  role: Role,
): boolean => !removed.has(account) && (roles.get(account)?.has(role) ?? false);

/** For a withdrawal: the newest act of each device of an account that this peer knows of and lets stand. */
export const endsOf = (acts: readonly Act[], standing: Standing, account: AccountId): readonly ChainEnd[] => {
  const lastByDevice = new Map<DeviceId, Act>();
  for (const act of acts.toSorted(inOrder)) {
    const { code } = standing.voided.get(act.id) ?? {};
    if (act.author.account === account && code !== 'fork' && code !== 'back-dated')
      lastByDevice.set(act.author.device, act);
  }
  return [...lastByDevice].map(([device, { seq, id }]) => ({ device, seq, id }));
};

type Decree = {
  readonly act: Act;
  readonly account: AccountId;
  readonly seqByDevice: ReadonlyMap<DeviceId, number>;
};

/**
 * What the founder has said about the ends of operators' chains. The founder's own chains come first: nothing can void an act
 * of the founder's but the founder's own fork.
 */
const decreesOf = (ordered: readonly Act[], founder: AccountId) => {
  const founderDevices = new Set(
    ordered.filter(({ author }) => author.account === founder).map(({ author }) => author.device),
  );
  const own = ordered.filter(({ author }) => founderDevices.has(author.device));
  const { linked } = resolveChains(own, new Set());
  const ends: Decree[] = [];
  const pinned = new Set<ActId>();
  for (const act of own) {
    const { deed } = act;
    if (!linked.has(act.id) || act.author.account !== founder) continue;
    if ((deed.t !== 'withdraw' && deed.t !== 'remove') || deed.ends === undefined) continue;
    if (deed.account === founder) continue;
    const kept = deed.ends.filter(({ device }) => !founderDevices.has(device));
    for (const { id } of kept) pinned.add(id);
    ends.push({
      act,
      account: deed.account,
      seqByDevice: new Map(kept.map(({ device, seq }) => [device, seq])),
    });
  }
  return { ends, pinned };
};

const whyEnded = (act: Act, decrees: readonly Decree[]): VoidReason | undefined => {
  const { account, device } = act.author;
  const ended = decrees.some(
    (decree) =>
      decree.account === account &&
      inOrder(act, decree.act) < 0 &&
      act.seq > (decree.seqByDevice.get(device) ?? -1),
  );
  return ended
    ? fault('back-dated', 'it is dated before a withdrawal that did not know of it, and may be newer')
    : undefined;
};

const whyVoid = (draft: Draft, act: Act): VoidReason | undefined => {
  const { account } = act.author;
  const objection = whyNot(draft, account, act.deed);
  if (objection || account === draft.founder) return objection;
  const { empoweredBy } = act;
  const entitled =
    empoweredBy === draft.founder ||
    (empoweredBy !== undefined && empoweredBy !== account && hasRole(draft, empoweredBy, 'operator'));
  return entitled
    ? undefined
    : fault('not-entitled', 'its token was issued by somebody who was no operator then');
};

const whyNotAsOperator = (
  standing: Pick<Standing, 'founder' | 'roles' | 'removed'>,
  author: AccountId,
  deed: Deed,
): VoidReason | undefined => {
  if (!hasRole(standing, author, 'operator'))
    return fault('not-entitled', 'only the founder and operators may do this');
  if (deed.t !== 'remove' && deed.t !== 'readmit')
    return fault('not-entitled', 'only the founder gives and takes roles, and names the swarm');
  if (hasRole(standing, deed.account, 'operator'))
    return fault('not-entitled', 'operators are removed by the founder only');
  const removal = standing.removed.get(deed.account);
  if (deed.t === 'remove') return removal && fault('pointless', 'this person is removed already');
  if (!removal) return fault('pointless', 'this person is not removed');
  return removal.by === standing.founder
    ? fault('not-entitled', 'whom the founder removed only the founder lets back in')
    : undefined;
};

const apply = (draft: Draft, { author, at, deed }: Act): unknown => {
  switch (deed.t) {
    case 'grant':
      return draft.roles.set(
        deed.account,
        new Set([...(draft.roles.get(deed.account) ?? []), deed.role].sort()),
      );
    case 'withdraw': {
      const left = [...(draft.roles.get(deed.account) ?? [])].filter((role) => role !== deed.role);
      return left.length > 0
        ? draft.roles.set(deed.account, new Set(left))
        : draft.roles.delete(deed.account);
    }
    case 'remove':
      draft.roles.delete(deed.account);
      return draft.removed.set(deed.account, { by: author.account, reason: deed.reason, at });
    case 'readmit':
      return draft.removed.delete(deed.account);
    case 'rename':
      draft.name = deed.name;
      return undefined;
    default:
      return deed satisfies never;
  }
};
