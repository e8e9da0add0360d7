import type { ReactNode } from 'react';
import { Icon, type IconName } from './Icon.tsx';
import './notice.css';

export type NoticeTone = 'plain' | 'good' | 'warn' | 'bad';
const icons: Record<NoticeTone, IconName> = { plain: 'unknown', good: 'check', warn: 'warn', bad: 'bad' };

/** Something worth knowing, with what to do about it; never blocks. */
export const Notice = ({
  tone = 'plain',
  icon,
  title,
  children,
  action,
}: {
  readonly tone?: NoticeTone;
  readonly icon?: IconName;
  readonly title: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}) => (
  <div className={`notice notice-${tone}`} role={tone === 'bad' ? 'alert' : 'note'}>
    <Icon name={icon ?? icons[tone]} />
    <div className="notice-text">
      <strong>{title}</strong>
      {children ? <div>{children}</div> : null}
    </div>
    {action ? <div className="notice-action">{action}</div> : null}
  </div>
);

/** An empty place says what will stand here and what to do for it. */
export const Empty = ({
  title,
  children,
  action,
}: {
  readonly title: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}) => (
  <div className="empty">
    <h3>{title}</h3>
    {children ? <p>{children}</p> : null}
    {action}
  </div>
);
