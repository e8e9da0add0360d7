import type { LogFields } from '../core/ports/telemetry.ts';

/** Room secrets in links (also in one that is a parameter of another), and recovery keys however they were typed. */
const secrets = /(room(?:=|%3D))[\w-]{16,}|\bav1(?:[\s-]?[0-9A-Za-z]{5}){4,}/gi;
/** No secret is shorter, and most names and values are: they cost no search. */
const shortestSecret = 20;
/** Messages may quote a stranger. */
const maxTextLength = 1_000;

/** What of a text may be kept: no secret, and not more than its beginning. */
export const redact = (text: string): string => {
  if (text.length < shortestSecret) return text;
  const hidden = text
    .slice(0, maxTextLength + 100)
    .replace(secrets, (_match, room) => `${room ?? ''}[hidden]`);
  return hidden.length <= maxTextLength ? hidden : `${hidden.slice(0, maxTextLength)}…`;
};

/** At most `limit` of them, their names too; numbers that JSON doesn't know become words. `undefined` is left out. */
export const redactFields = (fields: LogFields, limit = 32): Record<string, string | number | boolean> => {
  const kept: Record<string, string | number | boolean> = {};
  let count = 0;
  for (const key of Object.keys(fields)) {
    const value = fields[key];
    if (value === undefined) continue;
    if (++count > limit) break;
    kept[redact(key).slice(0, 64)] = plain(value);
  }
  return kept;
};

const plain = (value: unknown): string | number | boolean => {
  if (typeof value === 'string') return redact(value);
  if (typeof value === 'boolean' || Number.isFinite(value)) return value as number | boolean;
  return redact(String(value));
};
