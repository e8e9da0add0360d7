import type { ComponentProps } from 'react';
import { Icon, type IconName } from './Icon.tsx';
import './button.css';

export type ButtonProps = Omit<ComponentProps<'button'>, 'type'> & {
  readonly look?: 'primary' | 'outline' | 'plain' | 'danger';
  readonly icon?: IconName | undefined;
  readonly submit?: boolean;
};

export const Button = ({ look = 'outline', icon, submit, className, children, ...rest }: ButtonProps) => (
  <button
    type={submit ? 'submit' : 'button'}
    className={['button', `button-${look}`, className].filter(Boolean).join(' ')}
    {...rest}
  >
    {icon ? <Icon name={icon} size={18} /> : null}
    {children}
  </button>
);

export const IconButton = ({
  icon,
  label,
  className,
  ...rest
}: Omit<ComponentProps<'button'>, 'type' | 'children'> & {
  readonly icon: IconName;
  readonly label: string;
}) => (
  <button
    type="button"
    className={['icon-button', className].filter(Boolean).join(' ')}
    aria-label={label}
    title={label}
    {...rest}
  >
    <Icon name={icon} />
  </button>
);
