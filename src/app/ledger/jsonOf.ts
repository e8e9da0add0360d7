import { toBase64url } from '../../core/bytes.ts';

/** JSON that anybody can read: bytes are base64url. */
export const jsonOf = (value: unknown, indent?: number): string =>
  JSON.stringify(
    value,
    (_key, member: unknown) => (member instanceof Uint8Array ? toBase64url(member) : member),
    indent,
  );
