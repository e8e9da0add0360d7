import type { Consent } from './readModels.ts';

/** What a first-visit answer allows; until there is one, nothing leaves and nothing comes. */
export type Permissions = {
  readonly network: boolean;
  readonly useOthers: boolean;
  readonly shareMine: boolean;
};

const permissionsByConsent: Readonly<Record<Consent, Permissions>> = {
  'use-and-share': { network: true, useOthers: true, shareMine: true },
  'use-only': { network: true, useOthers: true, shareMine: false },
  'share-only': { network: true, useOthers: false, shareMine: true },
  'this-device-only': { network: false, useOthers: false, shareMine: false },
};

export const permissionsOf = (consent: Consent | undefined): Permissions =>
  consent === undefined
    ? { network: false, useOthers: false, shareMine: false }
    : permissionsByConsent[consent];
