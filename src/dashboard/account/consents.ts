import type { Consent } from '../../app/readModels.ts';

export type ConsentText = {
  readonly title: string;
  /** What happens. */
  readonly what: string;
  /** Exactly who sees what. */
  readonly sees: string;
};

/** A total table: a new consent doesn't compile until it says who sees what. */
export const consentTexts: Record<Consent, ConsentText> = {
  'use-and-share': {
    title: 'Use and share',
    what: 'The room’s devices read your pages, and yours helps to read theirs.',
    sees: 'Devices in this room receive the pages you send. You receive theirs to work on; nobody else does, nor the server.',
  },
  'use-only': {
    title: 'Use only',
    what: 'The room’s devices read your pages. Yours does not work for them.',
    sees: 'Devices in this room receive the pages you send. You receive none of theirs.',
  },
  'share-only': {
    title: 'Share only',
    what: 'Your device helps the room. Your own pages are read here.',
    sees: 'Nobody receives your pages. You receive pages of this room to work on.',
  },
  'this-device-only': {
    title: 'This device only',
    what: 'Everything is read here, more slowly. This page meets nobody.',
    sees: 'Nobody receives your pages, and you receive none.',
  },
};

export const consentOrder: readonly Consent[] = [
  'use-and-share',
  'use-only',
  'share-only',
  'this-device-only',
];

/** Whether pages may leave this device at all under a consent. */
export const mayUseRoom = (consent: Consent | undefined): boolean =>
  consent === 'use-and-share' || consent === 'use-only';
