import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { err, ok, type Result } from '../src/core/result.ts';

const integer = (min: number, max: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d+$/, 'must be a whole number'),
    v.transform(Number),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  );
const list = v.pipe(
  v.string(),
  v.transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean),
  ),
);
const iceServers = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      return JSON.parse(dataset.value) as unknown;
    } catch {
      addIssue({ message: 'must be JSON: [{"urls":["turn:host:3478"],"username":"…","credential":"…"}]' });
      return NEVER;
    }
  }),
  v.array(
    v.object({
      urls: v.array(
        v.pipe(v.string(), v.regex(/^(stun|stuns|turn|turns):/, 'must begin with stun: or turn:')),
      ),
      username: v.optional(v.string()),
      credential: v.optional(v.string()),
    }),
    'must be a list of servers',
  ),
);

const environmentSchema = v.object({
  AIVILLAGE_HOST: v.optional(v.pipe(v.string(), v.nonEmpty('must not be empty')), '127.0.0.1'),
  AIVILLAGE_PORT: v.optional(integer(0, 65_535), '8787'),
  AIVILLAGE_TLS: v.optional(v.picklist(['0', '1'], 'must be 0 or 1'), '0'),
  AIVILLAGE_DATA: v.optional(v.pipe(v.string(), v.nonEmpty('must not be empty')), '.cache/host'),
  AIVILLAGE_ICE: v.optional(iceServers, '[]'),
  AIVILLAGE_ORIGINS: v.optional(list, ''),
  AIVILLAGE_LOG_LEVEL: v.optional(
    v.picklist(['debug', 'info', 'warn', 'error'], 'must be debug, info, warn or error'),
    'info',
  ),
  AIVILLAGE_MAX_CONNECTIONS: v.optional(integer(1, 100_000), '2000'),
  AIVILLAGE_MAX_CONNECTIONS_PER_ADDRESS: v.optional(integer(1, 100_000), '200'),
});

export type ServerConfig = {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly dataFolder: string;
  readonly ice: v.InferOutput<typeof iceServers>;
  /** Origins besides the server's own from which a page may open the socket. */
  readonly origins: readonly string[];
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  readonly newRoom: boolean;
};

export const usage = `npm start -- [options]

  --host ADDRESS   where to listen (AIVILLAGE_HOST, default 127.0.0.1; 0.0.0.0 lets the network in)
  --port N         AIVILLAGE_PORT, default 8787; 0 takes a free one
  --tls            https with a local certificate authority, so that phones can join (AIVILLAGE_TLS=1)
  --new-room       a new room link instead of the last one
  --help           this text

Environment only: AIVILLAGE_DATA, AIVILLAGE_ICE, AIVILLAGE_ORIGINS, AIVILLAGE_LOG_LEVEL,
AIVILLAGE_MAX_CONNECTIONS, AIVILLAGE_MAX_CONNECTIONS_PER_ADDRESS.`;

/** Flags win over the environment. Every problem is listed, not only the first. */
export const readConfig = (
  environment: Readonly<Record<string, string | undefined>>,
  args: readonly string[],
): Result<ServerConfig | 'help', readonly string[]> => {
  const flags = readFlags(args);
  if (!flags.ok) return flags;
  if (flags.value.help) return ok('help');
  const { host, port, tls } = flags.value;
  const parsed = v.safeParse(environmentSchema, {
    ...environment,
    ...(host === undefined ? {} : { AIVILLAGE_HOST: host }),
    ...(port === undefined ? {} : { AIVILLAGE_PORT: port }),
    ...(tls ? { AIVILLAGE_TLS: '1' } : {}),
  });
  if (!parsed.success) {
    return err(
      parsed.issues.map((issue) => `${v.getDotPath(issue)} ${issue.message} (found: ${show(issue.input)})`),
    );
  }
  const values = parsed.output;
  return ok({
    host: values.AIVILLAGE_HOST,
    port: values.AIVILLAGE_PORT,
    tls: values.AIVILLAGE_TLS === '1',
    dataFolder: values.AIVILLAGE_DATA,
    ice: values.AIVILLAGE_ICE,
    origins: values.AIVILLAGE_ORIGINS,
    logLevel: values.AIVILLAGE_LOG_LEVEL,
    maxConnections: values.AIVILLAGE_MAX_CONNECTIONS,
    maxConnectionsPerAddress: values.AIVILLAGE_MAX_CONNECTIONS_PER_ADDRESS,
    newRoom: flags.value['new-room'] ?? false,
  });
};

const readFlags = (args: readonly string[]) => {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        host: { type: 'string' },
        port: { type: 'string' },
        tls: { type: 'boolean' },
        'new-room': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    return ok(values);
  } catch (cause) {
    return err([cause instanceof Error ? cause.message : String(cause)]);
  }
};

const show = (input: unknown): string => JSON.stringify(input)?.slice(0, 80) ?? 'nothing';
