import { createContext, useContext } from 'react';

export type Toast = {
  readonly text: string;
  readonly tone?: 'plain' | 'bad';
  readonly action?: { readonly label: string; readonly run: () => void };
  /** Called once, when the toast leaves without its action. */
  readonly onExpire?: () => void;
};

export type Notify = (toast: Toast) => void;
export const NotifyContext = createContext<Notify>(() => {});
export const useNotify = (): Notify => useContext(NotifyContext);
