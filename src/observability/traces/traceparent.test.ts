import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { silentSpan } from '../../core/ports/telemetry.ts';
import { formatTraceparent, parseTraceparent } from './traceparent.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';
const text = (version = '00', trace = traceId, span = spanId, flags = '01') =>
  `${version}-${trace}-${span}-${flags}`;

describe('traceparent', () => {
  it('reads the example of the specification', () => {
    expect(parseTraceparent(text())).toEqual({ traceId, spanId, sampled: true });
    expect(parseTraceparent(text('00', traceId, spanId, '00'))).toEqual({ traceId, spanId, sampled: false });
  });

  it('looks only at the flag it knows', () => {
    expect(parseTraceparent(text('00', traceId, spanId, 'fe'))).toMatchObject({ sampled: false });
    expect(parseTraceparent(text('00', traceId, spanId, '03'))).toMatchObject({ sampled: true });
  });

  it('reads a future version, with or without more behind it', () => {
    expect(parseTraceparent(text('01'))).toMatchObject({ traceId });
    expect(parseTraceparent(`${text('cc')}-what-the-future-will-be-like`)).toMatchObject({ spanId });
  });

  it.each([
    ['version ff', text('ff')],
    ['a trace id of zeros', text('00', '0'.repeat(32))],
    ['a span id of zeros', text('00', traceId, '0'.repeat(16))],
    ['upper case', text().toUpperCase()],
    ['more behind version 00', `${text()}-00`],
    ['a dash behind version 00', `${text()}-`],
    ['more behind a future version without a dash', `${text('cc')}.what`],
    ['a short trace id', text('00', traceId.slice(1))],
    ['a long span id', text('00', traceId, `${spanId}0`)],
    ['letters that are not hex', text('00', traceId.replace('4', 'g'))],
    ['flags of one digit', text('00', traceId, spanId, '1')],
    ['a space before', ` ${text()}`],
    ['a line break behind', `${text()}\n`],
    ['nothing', ''],
    ['a number', 7],
    ['what never ends', `${text('cc')}-${'x'.repeat(100_000)}`],
  ])('refuses %s', (_what, input) => {
    expect(parseTraceparent(input)).toBeUndefined();
  });

  it('writes what it reads, and nothing for what is not traced', () => {
    expect(formatTraceparent({ traceId, spanId, sampled: true })).toBe(text());
    expect(formatTraceparent(silentSpan.context)).toBeUndefined();
    expect(formatTraceparent({ traceId: traceId.toUpperCase(), spanId, sampled: true })).toBeUndefined();
  });

  it('never throws, and what it reads of version 00 it writes again', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^0[01]-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/)),
        (input) => {
          const context = parseTraceparent(input);
          if (context && input.startsWith('00')) expect(formatTraceparent(context)).toBe(input);
        },
      ),
      { seed: 7, numRuns: 300 },
    );
  });
});
