import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { err, ok, type Result } from '../src/core/result.ts';
import { type AlertConfig, alertConfig, alertProblems, alertUsage, alertVariables } from './alerts/config.ts';
import type { CarryOptions } from './carrying.ts';
import type { NatsOptions } from './natsBus.ts';
import { otlpSchemas, otlpUsage, toOtlpConfig } from './otlp/config.ts';
import type { OtlpConfig } from './otlp/relay.ts';
import type { TurnConfig } from './turn.ts';

const integer = (min: number, max: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d+$/, 'must be a whole number'),
    v.transform(Number),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  );
const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text;
const isNatsUrl = (text: string): boolean => {
  try {
    const { protocol, hostname, pathname, search, hash, username, password } = new URL(text);
    decodeURIComponent(username + password); // throws on a lone %
    return (
      ['nats:', 'tls:'].includes(protocol) && hostname !== '' && `${pathname}${search}${hash}`.length <= 1
    );
  } catch {
    return false;
  }
};
const accessOf = (text: string): string => {
  if (!URL.canParse(text)) return ''; // told elsewhere
  const { protocol, username, password } = new URL(text);
  return JSON.stringify([protocol, username, password]);
};
const natsOptions = (urls: readonly string[]): NatsOptions => {
  const parsed = urls.map((url) => new URL(url));
  const { protocol = 'nats:', username = '', password = '' } = parsed[0] ?? {};
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
  return {
    servers: parsed.map(({ hostname, port }) => `${hostname}:${port || '4222'}`),
    tls: protocol === 'tls:',
    ...(user ? { login: pass ? { user, pass } : { token: user } } : {}),
  };
};
const list = v.pipe(
  v.string(),
  v.transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean),
  ),
);
const origins = v.pipe(
  list,
  v.check((items) => items.every(isOrigin), 'must be origins like https://village.example, with commas'),
);
/** The protocol's own bounds: pages refuse a welcome beyond them, so nobody could join. */
const short = v.maxLength<string, 256, string>(256, 'must have at most 256 characters');
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
        v.pipe(v.string(), v.regex(/^(stun|stuns|turn|turns):/, 'must begin with stun: or turn:'), short),
      ),
      username: v.optional(v.pipe(v.string(), short)),
      credential: v.optional(v.pipe(v.string(), short)),
    }),
    'must be a list of servers',
  ),
  v.maxLength(8, 'must be at most 8 servers'),
);

const iceUrl = v.pipe(v.string(), v.regex(/^turns?:/, 'must begin with turn: or turns:'), short);
const turnUrls = v.pipe(list, v.array(iceUrl));

/** nats://[user:password@ or token@]host[:port]: one cluster, so one way of logging in. */
const bus = v.pipe(
  list,
  v.array(
    v.pipe(
      v.string(),
      v.check(isNatsUrl, 'must be addresses like nats://host:4222 or nats://user:password@host, with commas'),
    ),
  ),
  v.check(
    (urls) => new Set(urls.map(accessOf)).size <= 1,
    'must have the same scheme and login in all addresses',
  ),
  v.transform((urls) => (urls.length === 0 ? undefined : natsOptions(urls))),
);

/** Less than a frame's worth a second would be a line that only seems to work. */
const carryRate = v.pipe(
  integer(0, 2 ** 30),
  v.check((bytes) => bytes === 0 || bytes >= 16_384, 'must be 0 (off) or at least 16384'),
);

const environmentSchema = v.object({
  AIVILLAGE_HOST: v.optional(v.pipe(v.string(), v.nonEmpty('must not be empty')), '127.0.0.1'),
  AIVILLAGE_PORT: v.optional(integer(0, 65_535), '8787'),
  AIVILLAGE_TLS: v.optional(v.picklist(['0', '1'], 'must be 0 or 1'), '0'),
  AIVILLAGE_DATA: v.optional(v.pipe(v.string(), v.nonEmpty('must not be empty')), '.cache/host'),
  AIVILLAGE_ICE: v.optional(iceServers, '[]'),
  AIVILLAGE_TURN_URLS: v.optional(turnUrls, ''),
  AIVILLAGE_TURN_SECRET: v.optional(v.pipe(v.string(), v.minLength(16, 'must have 16 characters or more'))),
  AIVILLAGE_BUS: v.optional(bus, ''),
  AIVILLAGE_ORIGINS: v.optional(origins, ''),
  AIVILLAGE_PUBLIC_WORK: v.optional(list, ''),
  AIVILLAGE_LOG_LEVEL: v.optional(
    v.picklist(['debug', 'info', 'warn', 'error'], 'must be debug, info, warn or error'),
    'info',
  ),
  AIVILLAGE_MAX_CONNECTIONS: v.optional(integer(1, 100_000), '2000'),
  AIVILLAGE_MAX_CONNECTIONS_PER_ADDRESS: v.optional(integer(1, 100_000), '200'),
  AIVILLAGE_MAX_PEERS_PER_ROOM: v.optional(integer(2, 100_000), '2000'),
  AIVILLAGE_LEDGER: v.optional(v.picklist(['on', 'off'], 'must be on or off')),
  AIVILLAGE_LEDGER_GENESIS: v.optional(v.pipe(v.string(), v.nonEmpty('must name a file'))),
  AIVILLAGE_LEDGER_EPOCH_SECONDS: v.optional(integer(1, 86_400), '600'),
  ...otlpSchemas,
  AIVILLAGE_CARRY_BYTES_PER_SECOND: v.optional(carryRate, '1048576'),
  AIVILLAGE_CARRY_TOTAL_BYTES_PER_SECOND: v.optional(integer(65_536, 2 ** 40), '52428800'),
  ...alertVariables,
});

/** `elsewhere`: tabs are told of a ledger whose keepers are other processes. */
export type LedgerConfig =
  | { readonly kind: 'off' }
  | { readonly kind: 'embedded'; readonly epochSeconds: number }
  | { readonly kind: 'elsewhere'; readonly genesisFile: string };

export type ServerConfig = {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly dataFolder: string;
  readonly ice: v.InferOutput<typeof iceServers>;
  /** TURN servers that accept passwords made from this secret. */
  readonly turn: TurnConfig | undefined;
  /** What shares rooms with other server processes. */
  readonly bus: NatsOptions | undefined;
  /** Origins besides the server's own from which a page may open the socket. */
  readonly origins: readonly string[];
  /** Folders of page images that are offered as public work. */
  readonly publicWork: readonly string[];
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  readonly maxPeersPerRoom: number;
  /** Bytes a second of frames that tabs send each other through this server. */
  readonly carry: CarryOptions;
  readonly ledger: LedgerConfig;
  /** Where alerts of tabs are told. */
  readonly alerts: AlertConfig;
  /** Where spans go, of this process and of tabs whose people agreed. */
  readonly otlp: OtlpConfig | undefined;
  readonly newRoom: boolean;
};

export const usage = `npm start -- [options]

  --host ADDRESS   where to listen (AIVILLAGE_HOST, default 127.0.0.1; 0.0.0.0 lets the network in)
  --port N         AIVILLAGE_PORT, default 8787; 0 takes a free one
  --tls            https with a local certificate authority, so that phones can join (AIVILLAGE_TLS=1)
  --new-room       a new room link instead of the last one
  --help           this text

Environment only
  AIVILLAGE_DATA       folder of the room and the certificate authority, default .cache/host
  AIVILLAGE_ICE        STUN and TURN servers: [{"urls":["turn:host:3478"],"username":"…","credential":"…"}]
  AIVILLAGE_TURN_URLS, AIVILLAGE_TURN_SECRET
                       TURN servers (turn:host:3478, with commas) and the secret they share with this host
                       (coturn: use-auth-secret): each tab gets a password of its own for twelve hours
  AIVILLAGE_BUS        NATS servers over which several of these processes share their rooms:
                       nats://[user:password@]host:4222, with commas. None by default: one process, nothing to install
  AIVILLAGE_LEDGER     off: no ledger. By default this process keeps one, in AIVILLAGE_DATA/ledger (with AIVILLAGE_BUS: none)
  AIVILLAGE_LEDGER_GENESIS
                       genesis file of a ledger whose keepers are elsewhere (npm run keeper); none is kept here then
  AIVILLAGE_LEDGER_EPOCH_SECONDS
                       length of an epoch of a ledger that is begun, 1 to 86400, default 600
  AIVILLAGE_ORIGINS    further origins whose pages may join, with commas
  AIVILLAGE_PUBLIC_WORK
                       folders of page images (PNG; JPEG and WebP with care), with commas: public work that the tabs of
                       the village may do for newly made VCoin, once governance has listed it
  AIVILLAGE_CLIENT     folder of the built page, default dist/client
  AIVILLAGE_LOG_LEVEL  debug, info, warn or error
  AIVILLAGE_MAX_CONNECTIONS, AIVILLAGE_MAX_CONNECTIONS_PER_ADDRESS
                       default 2000 and 200
  AIVILLAGE_MAX_PEERS_PER_ROOM
                       tabs that one room takes, 2 to 100000, default 2000
  AIVILLAGE_CARRY_BYTES_PER_SECOND, AIVILLAGE_CARRY_TOTAL_BYTES_PER_SECOND
                       what the server carries for one tab (default 1048576, 0 nothing) and for all
                       (default 52428800) where no direct connection works
${alertUsage}
${otlpUsage}

The printed link ends in #room=…, the secret of this host's room: whoever has the link can join. Browsers keep that
part to themselves, the server never sees it; it lies in AIVILLAGE_DATA, readable for this user alone.`;

/** Flags win over the environment. Every problem is listed, not only the first. */
export const readConfig = (
  environment: Readonly<Record<string, string | undefined>>,
  args: readonly string[],
): Result<ServerConfig | 'help', readonly string[]> => {
  const { flags, problems } = readFlags(args);
  if (flags.help) return ok('help');
  const { host, port, tls } = flags;
  const parsed = v.safeParse(environmentSchema, {
    ...environment,
    ...(host === undefined ? {} : { AIVILLAGE_HOST: host }),
    ...(port === undefined ? {} : { AIVILLAGE_PORT: port }),
    ...(tls ? { AIVILLAGE_TLS: '1' } : {}),
  });
  const nameOf = (path: string | null) =>
    path === 'AIVILLAGE_HOST' && host !== undefined
      ? '--host'
      : path === 'AIVILLAGE_PORT' && port !== undefined
        ? '--port'
        : path;
  for (const issue of parsed.issues ?? []) {
    const name = nameOf(v.getDotPath(issue));
    // What is wrong goes to a log; a secret must not, be it too short.
    const found = /SECRET|credential|BUS|ALERT|SMTP|HEADERS|OTLP_URL/.test(name ?? '')
      ? 'not shown'
      : show(issue.input);
    problems.push(`${name} ${issue.message} (found: ${found})`);
  }
  problems.push(...turnProblems(environment, parsed.success ? parsed.output.AIVILLAGE_ICE.length : 0));
  problems.push(...ledgerProblems(environment));
  problems.push(...alertProblems(environment));
  if (!parsed.success || problems.length > 0) return err(problems);
  const values = parsed.output;
  return ok({
    host: values.AIVILLAGE_HOST,
    port: values.AIVILLAGE_PORT,
    tls: values.AIVILLAGE_TLS === '1',
    dataFolder: values.AIVILLAGE_DATA,
    ice: values.AIVILLAGE_ICE,
    turn:
      values.AIVILLAGE_TURN_SECRET === undefined
        ? undefined
        : { urls: values.AIVILLAGE_TURN_URLS, secret: values.AIVILLAGE_TURN_SECRET },
    bus: values.AIVILLAGE_BUS,
    origins: values.AIVILLAGE_ORIGINS,
    publicWork: values.AIVILLAGE_PUBLIC_WORK,
    logLevel: values.AIVILLAGE_LOG_LEVEL,
    maxConnections: values.AIVILLAGE_MAX_CONNECTIONS,
    maxConnectionsPerAddress: values.AIVILLAGE_MAX_CONNECTIONS_PER_ADDRESS,
    maxPeersPerRoom: values.AIVILLAGE_MAX_PEERS_PER_ROOM,
    carry: {
      bytesPerSecond: values.AIVILLAGE_CARRY_BYTES_PER_SECOND,
      totalBytesPerSecond: values.AIVILLAGE_CARRY_TOTAL_BYTES_PER_SECOND,
    },
    ledger: ledgerConfig(values),
    alerts: alertConfig(values),
    otlp: toOtlpConfig(values),
    newRoom: flags['new-room'] ?? false,
  });
};

type LedgerVariables = {
  readonly AIVILLAGE_LEDGER?: 'on' | 'off' | undefined;
  readonly AIVILLAGE_LEDGER_GENESIS?: string | undefined;
  readonly AIVILLAGE_LEDGER_EPOCH_SECONDS: number;
  readonly AIVILLAGE_BUS: NatsOptions | undefined;
};

/** Several processes with one room would each begin a ledger of their own: so with a bus there is none unless one is named. */
const ledgerConfig = (values: LedgerVariables): LedgerConfig => {
  if (values.AIVILLAGE_LEDGER === 'off') return { kind: 'off' };
  if (values.AIVILLAGE_LEDGER_GENESIS !== undefined)
    return { kind: 'elsewhere', genesisFile: values.AIVILLAGE_LEDGER_GENESIS };
  if (values.AIVILLAGE_BUS) return { kind: 'off' };
  return { kind: 'embedded', epochSeconds: values.AIVILLAGE_LEDGER_EPOCH_SECONDS };
};

const ledgerProblems = ({
  AIVILLAGE_LEDGER: ledger,
  AIVILLAGE_LEDGER_GENESIS: genesis,
  AIVILLAGE_BUS: bus,
}: Readonly<Record<string, string | undefined>>): readonly string[] => {
  if (ledger === 'off' && genesis !== undefined)
    return ['AIVILLAGE_LEDGER=off contradicts AIVILLAGE_LEDGER_GENESIS: leave one of them out'];
  if (ledger === 'on' && bus && genesis === undefined)
    return [
      'AIVILLAGE_LEDGER=on with AIVILLAGE_BUS needs AIVILLAGE_LEDGER_GENESIS: each of the processes would begin a ledger of its own',
    ];
  return [];
};

const turnProblems = (
  { AIVILLAGE_TURN_URLS: urls, AIVILLAGE_TURN_SECRET: secret }: Readonly<Record<string, string | undefined>>,
  others: number,
): readonly string[] => {
  if (!urls && secret === undefined) return [];
  if (!urls) return ['AIVILLAGE_TURN_SECRET needs AIVILLAGE_TURN_URLS: for which servers is it?'];
  if (secret === undefined)
    return ['AIVILLAGE_TURN_URLS needs AIVILLAGE_TURN_SECRET, the one these servers have'];
  return others < 8 ? [] : ['AIVILLAGE_ICE must be at most 7 servers beside AIVILLAGE_TURN_URLS'];
};

const flagTypes = {
  host: { type: 'string' },
  port: { type: 'string' },
  tls: { type: 'boolean' },
  'new-room': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Flags = { host?: string; port?: string; tls?: boolean; 'new-room'?: boolean; help?: boolean };

/** Read leniently, because the strict reader stops at the first problem. */
const readFlags = (args: readonly string[]): { readonly flags: Flags; readonly problems: string[] } => {
  const { tokens } = parseArgs({ args: [...args], options: flagTypes, strict: false, tokens: true });
  const flags: Flags = {};
  const problems: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') problems.push(`"${token.value}" is not an option (see --help)`);
    if (token.kind !== 'option') continue;
    const { name, rawName, value } = token;
    if (name === 'host' || name === 'port') {
      if (value === undefined || (!token.inlineValue && value.startsWith('--'))) {
        problems.push(`${rawName} needs a value`);
      } else flags[name] = value;
    } else if (name === 'tls' || name === 'new-room' || name === 'help') {
      if (value === undefined) flags[name] = true;
      else problems.push(`${rawName} takes no value (found: ${show(value)})`);
    } else problems.push(`${rawName} is not an option (see --help)`);
  }
  return { flags, problems };
};

const show = (input: unknown): string => JSON.stringify(input)?.slice(0, 80) ?? 'nothing';
