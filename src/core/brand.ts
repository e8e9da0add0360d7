declare const brand: unique symbol;

/** A nominal type over `Base`: a `PeerId` is a string that came from the place that makes peer ids. */
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

// Units
export type Milliseconds = Brand<number, 'Milliseconds'>;
export type ByteCount = Brand<number, 'ByteCount'>;
/** One thousandth of a credit; integers only, so that sums are exact. */
export type MilliCredits = Brand<number, 'MilliCredits'>;

// Identities. All are base64url of a SHA-256 over a public key: see src/identity.
export type AccountId = Brand<string, 'AccountId'>;
export type DeviceId = Brand<string, 'DeviceId'>;
/** One tab: the hash of its session key. */
export type PeerId = Brand<string, 'PeerId'>;
/** What the signaling server knows of a room: a hash of the link's secret, never the secret. */
export type RoomId = Brand<string, 'RoomId'>;

// Content and work
/** Lower-case hex SHA-256. */
export type Sha256 = Brand<string, 'Sha256'>;
export type JobId = Brand<string, 'JobId'>;
export type TaskId = Brand<string, 'TaskId'>;
export type ReceiptId = Brand<string, 'ReceiptId'>;

export const milliseconds = (value: number): Milliseconds => value as Milliseconds;
export const byteCount = (value: number): ByteCount => value as ByteCount;
