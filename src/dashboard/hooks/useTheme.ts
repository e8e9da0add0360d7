import { useLayoutEffect } from 'react';
import { useApp, useStore } from './useApp.ts';
import { useMediaQuery } from './useMediaQuery.ts';

export const useResolvedTheme = (): 'light' | 'dark' => {
  const { models } = useApp();
  const choice = useStore(models.theme);
  const systemDark = useMediaQuery('(prefers-color-scheme: dark)');
  if (choice === 'system') return systemDark ? 'dark' : 'light';
  return choice;
};

/** The theme stands on the document, so that native controls, scrollbars and dialogs follow it. */
export const useDocumentTheme = (): void => {
  const theme = useResolvedTheme();
  useLayoutEffect(() => {
    const root = document.documentElement;
    root.dataset['theme'] = theme;
    const colour = getComputedStyle(root).getPropertyValue('--paper').trim();
    let meta = document.querySelector('meta[name="theme-color"]');
    if (!meta) {
      meta = document.createElement('meta');
      meta.setAttribute('name', 'theme-color');
      document.head.append(meta);
    }
    meta.setAttribute('content', colour);
  }, [theme]);
};
