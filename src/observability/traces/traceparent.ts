import type { SpanContext } from '../../core/ports/telemetry.ts';

/** Length of version 00: two ids, a version, flags and three dashes. */
export const traceparentLength = 55;
/** Longer ones of a future version are read too, up to here: what follows the flags is not looked at. */
const longestRead = 512;

const shape = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/s;
const isZero = (id: string): boolean => /^0+$/.test(id);
/** By hand: two patterns took as long as the rest of a span. */
const isId = (id: string, length: number): boolean => {
  if (id.length !== length) return false;
  let isZeros = true;
  for (let i = 0; i < length; i++) {
    const code = id.charCodeAt(i);
    const isDigit = code >= 48 && code <= 57;
    if (!isDigit && !(code >= 97 && code <= 102)) return false;
    if (code !== 48) isZeros = false;
  }
  return !isZeros;
};

/** Whether it names a span: the context of what is not traced names none. */
export const isTraced = ({ traceId, spanId }: SpanContext): boolean => isId(traceId, 32) && isId(spanId, 16);

/**
 * W3C Trace Context (level 1, https://www.w3.org/TR/trace-context-1/): version 00. Level 2's flag for random trace ids is not
 * set: a trace may have begun elsewhere. `undefined`: not traced, there is nothing to say.
 */
export const formatTraceparent = (context: SpanContext): string | undefined =>
  isTraced(context) ? `00-${context.traceId}-${context.spanId}-${context.sampled ? '01' : '00'}` : undefined;

/**
 * Reads any version but ff, as §3.2.2 and §4.3 ask: version 00 has exactly its four parts; a later one may be followed by
 * more after a dash. Upper case, zero ids and other lengths are no traceparent. Of the flags only `sampled` is known.
 */
export const parseTraceparent = (text: unknown): SpanContext | undefined => {
  if (typeof text !== 'string' || text.length < traceparentLength || text.length > longestRead)
    return undefined;
  return parseUsual(text) ?? parseAny(text);
};

/** Version 00, without a pattern: every traced call brings one. */
const parseUsual = (text: string): SpanContext | undefined => {
  if (text.length !== traceparentLength || !text.startsWith('00-')) return undefined;
  if (text[35] !== '-' || text[52] !== '-') return undefined;
  const flags = hexDigits.indexOf(text.charAt(54));
  if (flags < 0 || !hexDigits.includes(text.charAt(53))) return undefined;
  const context = {
    traceId: text.slice(3, 35),
    spanId: text.slice(36, 52),
    sampled: (flags & 1) === 1,
  };
  return isTraced(context) ? context : undefined;
};
const hexDigits = '0123456789abcdef';

const parseAny = (text: string): SpanContext | undefined => {
  const [, version, traceId, spanId, flags, rest] = shape.exec(text) ?? [];
  if (version === undefined || traceId === undefined || spanId === undefined || flags === undefined)
    return undefined;
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined;
  if (isZero(traceId) || isZero(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
};
