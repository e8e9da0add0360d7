/** System notifications: asked for in the answer to a press, as browsers want it. */
export const askToNotify = async (): Promise<'granted' | 'denied' | 'unsupported'> => {
  if (typeof Notification === 'undefined') return 'unsupported';
  if (Notification.permission === 'granted') return 'granted';
  return (await Notification.requestPermission()) === 'granted' ? 'granted' : 'denied';
};

/** Why it could not be shown, if it couldn't. Android has no `new Notification`: the service worker shows it. */
export const showNotification = async (
  title: string,
  { body, tag }: { readonly body: string; readonly tag: string },
): Promise<string | undefined> => {
  if (typeof Notification === 'undefined') return 'this browser has no notifications';
  if (Notification.permission !== 'granted') return 'this browser does not allow this page to notify';
  const options = { body, tag, icon: '/icons/icon-192.png' };
  const worker = await navigator.serviceWorker?.getRegistration();
  try {
    if (worker) await worker.showNotification(title, options);
    else new Notification(title, options);
    return undefined;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
};
