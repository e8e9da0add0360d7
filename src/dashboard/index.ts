import { createElement } from 'react';
import { createRoot } from 'react-dom/client';
import type { AppModel } from '../app/readModels.ts';
import { AppContext } from './hooks/useApp.ts';
import { Shell } from './shell/Shell.tsx';
import './styles/fonts.css';
import './styles/tokens.css';
import './styles/base.css';
import './kit/kit.css';

/** Shows the app in `root` until the returned function is called. Reads stores and gives commands, nothing else. */
export const mountDashboard = (root: HTMLElement, app: AppModel): (() => void) => {
  const reactRoot = createRoot(root);
  reactRoot.render(createElement(AppContext, { value: app }, createElement(Shell)));
  return () => reactRoot.unmount();
};
