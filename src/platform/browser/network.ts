/** Not everywhere, and not in TypeScript's library: the Network Information API. */
type NetworkInformation = EventTarget & { readonly type?: string };

/**
 * Tells when this device may be on another network: it is online again, or its kind of connection changed. Some browsers
 * tell only the first, and a link that has died is then noticed by its silence.
 */
export const watchNetwork = (changed: () => void): void => {
  addEventListener('online', changed);
  const { connection } = navigator as { readonly connection?: NetworkInformation };
  if (!connection) return;
  let kind = connection.type;
  // `change` also tells of every new estimate of the speed.
  connection.addEventListener('change', () => {
    if (connection.type === kind) return;
    kind = connection.type;
    changed();
  });
};
