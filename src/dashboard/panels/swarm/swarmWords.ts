import type {
  Administration,
  PrivateSwarmView,
  SwarmAct,
  SwarmPerson,
  SwarmRole,
} from '../../../app/readModels.ts';
import type { AccountId } from '../../../core/brand.ts';
import { formatCount, shortId } from '../../kit/format.ts';

export const personInWords = ({ name, own, founder, account }: SwarmPerson): string => {
  if (own) return 'you';
  return name ?? (founder ? 'the founder' : shortId(account));
};

export const roleInWords: Readonly<Record<SwarmRole, string>> = {
  founder: 'founder',
  operator: 'operator',
  keeper: 'keeper',
};

/** Badges of whoever is shown in a list; undefined where there is nothing to say. */
export const rolesOf = (swarm: PrivateSwarmView | undefined, account: AccountId): readonly SwarmRole[] =>
  swarm?.members.find(({ who }) => who.account === account)?.roles ?? [];

/** One entry of the log, as a sentence without its time. */
export const actInWords = ({ by, deed, about }: Pick<SwarmAct, 'by' | 'deed' | 'about'>): string =>
  `${capital(personInWords(by))} ${deedInWords(deed, about ? personInWords(about) : '')}`;

const deedInWords = (deed: Administration, whom: string): string => {
  switch (deed.t) {
    case 'grant':
      return `made ${whom} ${deed.role}`;
    case 'withdraw':
      return `ended ${whom === 'you' ? 'your' : `${whom}’s`} time as ${deed.role}`;
    case 'remove':
      return `removed ${whom}: “${deed.reason}”`;
    case 'readmit':
      return `let ${whom} back in`;
    case 'rename':
      return `named this swarm “${deed.name}”`;
    default:
      return deed satisfies never;
  }
};

/** What holds the log together, or who broke it. */
export const chainInWords = ({
  acts,
  chains,
  forks,
}: Pick<PrivateSwarmView, 'acts' | 'chains' | 'forks'>): {
  readonly holds: boolean;
  readonly title: string;
  readonly text: string;
} => {
  const [fork] = forks;
  if (fork)
    return {
      holds: false,
      title: 'A device signed two histories.',
      text: `A device of ${personInWords(fork.who)} (${shortId(fork.device)}) signed ${formatCount(forks.length, 'act')} twice. Everybody counts the same one of each; whose device that is should say how it happened.`,
    };
  return {
    holds: true,
    title: 'The chain holds.',
    text: `${formatCount(acts.length, 'act')} by ${formatCount(chains, 'device')}: this device has checked every signature, and that each act names the one before it.`,
  };
};

const capital = (text: string): string =>
  text.startsWith('you') || text.startsWith('the ')
    ? text.charAt(0).toLocaleUpperCase('en') + text.slice(1)
    : text;
