/** Not everywhere, and not in TypeScript's library: the Network Information API. */
type NetworkInformation = EventTarget & { readonly type?: string };

const lookEveryMs = 15_000;
/** Longer than any awake page's timer is late: browsers let those of hidden pages run once a minute. */
const asleepMs = 90_000;

/**
 * Tells when this device may be on another network: it is online again, its kind of connection changed, or it slept. Some
 * browsers tell neither of the first two, and a link that has died is then noticed by its silence.
 */
export const watchNetwork = (changed: () => void): void => {
  addEventListener('online', changed);
  watchSleep(changed);
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

/**
 * iPhones stop a page soon after it is hidden, its workers too, and leave its sockets looking open when it wakes. By the clock on
 * the wall: Safari's monotonic one stops with the device.
 */
const watchSleep = (woke: () => void): void => {
  let looked = Date.now();
  const look = () => {
    const now = Date.now();
    const slept = now - looked > asleepMs;
    looked = now;
    if (slept) woke();
  };
  setInterval(look, lookEveryMs);
  // The timer may be late by its whole period when somebody is looking already.
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) look();
  });
};
