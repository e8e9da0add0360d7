import * as v from 'valibot';
import type { OtlpConfig } from './relay.ts';

/** `key=value` with commas, values percent-encoded, as OTEL_EXPORTER_OTLP_HEADERS has them. */
const headers = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const found: Record<string, string> = {};
    for (const part of dataset.value.split(',').filter((item) => item.trim() !== '')) {
      const at = part.indexOf('=');
      const name = part.slice(0, Math.max(0, at)).trim();
      const value = decode(part.slice(at + 1).trim());
      if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/.test(name) || value === undefined) {
        addIssue({ message: 'must be name=value, with commas; special characters as %2C' });
        return NEVER;
      }
      found[name.toLowerCase()] = value;
    }
    return found;
  }),
);

const decode = (text: string): string | undefined => {
  try {
    const value = decodeURIComponent(text);
    return /^[\t\x20-\x7e]{0,4000}$/.test(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

const url = v.pipe(
  v.string(),
  v.check(
    (text) => text === '' || isCollector(text),
    'must be an address like http://collector:4318, without a password in it',
  ),
  v.transform((text) => (text === '' ? undefined : withPath(text))),
);

const isCollector = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, hash } = new URL(text);
  return /^https?:$/.test(protocol) && `${username}${password}${hash}` === '';
};
/** A collector's address without a path: OTLP/HTTP says where traces go. */
const withPath = (text: string): string => {
  const parsed = new URL(text);
  if (parsed.pathname === '/') parsed.pathname = '/v1/traces';
  return parsed.href;
};

export const otlpSchemas = {
  AIVILLAGE_OTLP_URL: v.optional(url, ''),
  AIVILLAGE_OTLP_HEADERS: v.optional(headers, ''),
  AIVILLAGE_OTLP_PROTOCOL: v.optional(
    v.picklist(['http/protobuf', 'http/json'], 'must be http/protobuf or http/json'),
    'http/protobuf',
  ),
  AIVILLAGE_OTLP_SAMPLING: v.optional(
    v.pipe(v.string(), v.regex(/^(0(\.\d+)?|1(\.0+)?)$/, 'must be from 0 to 1'), v.transform(Number)),
    '1',
  ),
} as const;

type OtlpVariables = {
  readonly [Name in keyof typeof otlpSchemas]: v.InferOutput<(typeof otlpSchemas)[Name]>;
};

export const toOtlpConfig = (values: OtlpVariables): OtlpConfig | undefined =>
  values.AIVILLAGE_OTLP_URL === undefined
    ? undefined
    : {
        url: values.AIVILLAGE_OTLP_URL,
        headers: values.AIVILLAGE_OTLP_HEADERS,
        encoding: values.AIVILLAGE_OTLP_PROTOCOL === 'http/json' ? 'json' : 'protobuf',
        sampling: values.AIVILLAGE_OTLP_SAMPLING,
      };

export const otlpUsage = `  AIVILLAGE_OTLP_URL   OpenTelemetry collector for traces, like http://collector:4318 (path /v1/traces by itself). Tabs whose people
                       agreed send theirs through this host. None by default: nothing is sent
  AIVILLAGE_OTLP_HEADERS
                       what it wants to see, name=value with commas (secrets: never logged)
  AIVILLAGE_OTLP_PROTOCOL, AIVILLAGE_OTLP_SAMPLING
                       http/protobuf (default) or http/json; share of this host's own traces, default 1`;
