import { initialsOf, type LanternId, type LanternShape, lanternOf, toneOf } from './lantern.ts';

/** Paper bodies in a 40×48 box; every one hangs from (20, 6). */
const bodies: Record<LanternShape, string> = {
  globe: 'M20 9c9.4 0 15.5 6 15.5 14.5S29.4 38 20 38 4.5 32 4.5 23.5 10.6 9 20 9z',
  drum: 'M9 10h22c1.7 0 2.5 1 2.5 2.5v22c0 1.5-.8 2.5-2.5 2.5H9c-1.7 0-2.5-1-2.5-2.5v-22C6.5 11 7.3 10 9 10z',
  gem: 'M20 8l15 15.5L20 39 5 23.5z',
  bell: 'M20 8.5c7 0 10.5 5 11.2 12.5.5 6 2.3 9.5 4.8 14.5H4c2.5-5 4.3-8.5 4.8-14.5C9.5 13.5 13 8.5 20 8.5z',
  house: 'M20 8l15.5 11.5h-3V38h-25V19.5h-3z',
  drop: 'M20 7c3.5 6.5 14 12 14 20.5C34 34 28 39 20 39S6 34 6 27.5C6 19 16.5 13.5 20 7z',
  hex: 'M12.5 9h15l8 14.5-8 14.5h-15l-8-14.5z',
  jar: 'M12 9h16v4.5c4.5 2 7 5 7 10.5 0 9-4.5 14-8 14H13c-3.5 0-8-5-8-14 0-5.5 2.5-8.5 7-10.5z',
};

/** Below this width initials are specks; shape and colour remain, and the name stands beside it. */
const legible = 22;

export type LanternProps = {
  readonly peer: LanternId;
  readonly name: string;
  readonly size?: number;
  /** A lantern that works for nobody is dimmed. */
  readonly lit?: boolean;
};

/** A peer's sign: its colour, its silhouette and its initials. Decoration; the name always stands beside it. */
export const Lantern = ({ peer, name, size = 28, lit = true }: LanternProps) => (
  <svg
    className={lit ? 'lantern tone' : 'lantern tone unlit'}
    style={toneOf(peer)}
    width={size}
    height={(size * 48) / 40}
    viewBox="0 0 40 48"
    aria-hidden="true"
    focusable="false"
  >
    <path className="lantern-hook" d="M20 1.5V8M15 8.5h10" />
    <path className="lantern-body" d={bodies[lanternOf(peer).shape]} />
    <path className="lantern-foot" d="M15.5 40h9M20 40v6.5" />
    {size >= legible ? (
      <text className="lantern-initials" x="20" y="28.5" textAnchor="middle">
        {initialsOf(name)}
      </text>
    ) : null}
  </svg>
);

/** Lantern and name on one line, as they stand in tables and legends. */
export const PeerName = ({
  peer,
  name,
  note,
  size = 24,
}: Pick<LanternProps, 'peer' | 'name' | 'size'> & { readonly note?: string | undefined }) => (
  <span className="peer-name">
    <Lantern peer={peer} name={name} size={size} />
    <span className="clip">{name}</span>
    {note ? <span className="badge">{note}</span> : null}
  </span>
);
