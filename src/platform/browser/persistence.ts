/**
 * Asks the browser not to clear this site's storage when space is short. It decides by itself (Chromium) or asks the
 * person (Firefox); a refusal changes nothing but the promise.
 */
export const askForPersistence = async (): Promise<boolean> => {
  try {
    return (await navigator.storage?.persisted()) || ((await navigator.storage?.persist()) ?? false);
  } catch {
    return false;
  }
};
