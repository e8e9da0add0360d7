import type { NetworkInterfaceInfo } from 'node:os';
import { renderUnicodeCompact } from 'uqr';
import type { ServerConfig } from './config.ts';
import type { RunningServer } from './server.ts';

export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;
export type Terminal = { readonly colours: boolean; readonly columns: number };

/** What the host prints when it is ready: one link, its QR code, and what a person may want next. Pure. */
export const formatWelcome = (
  config: Pick<ServerConfig, 'host' | 'tls'>,
  server: Pick<RunningServer, 'url' | 'port' | 'fingerprint' | 'hostKeyFile'>,
  room: { readonly secret: string; readonly interfaces: Interfaces },
  terminal: Terminal,
): string => {
  const isOpen = config.host === '0.0.0.0' || config.host === '::';
  const [address, ...others] = isOpen ? lanAddresses(room.interfaces) : [];
  const baseOf = (name: string) => `${config.tls ? 'https' : 'http'}://${name}:${server.port}`;
  const base = address === undefined ? server.url : baseOf(address);
  const link = `${base}/#room=${room.secret}`;
  const isLocal = new URL(base).hostname === 'localhost';
  const hints = [
    others.length > 0 ? `If that address does not answer, try ${others.map(baseOf).join(' or ')}` : '',
    isOpen && address === undefined ? 'This machine has no address on a network yet.' : '',
    isLocal && !isOpen
      ? 'Only this machine can open it. For phones on your network: npm start -- --host 0.0.0.0 --tls'
      : '',
    !isLocal && !config.tls
      ? 'Without --tls other devices get no secure context: they can not sign, and so can not join. Add --tls.'
      : '',
    config.tls ? `Once per device, to install it and to work offline: ${base}/trust` : '',
    server.fingerprint ? `There, compare the certificate's SHA-256:\n  ${server.fingerprint}` : '',
    server.hostKeyFile === undefined
      ? ''
      : `This process keeps the ledger of VCoin. ${server.hostKeyFile} is its host's recovery key: restore it in a browser to be the host there.`,
    'The link is the key to this room: --new-room makes another. Stop with Ctrl+C.',
  ].filter(Boolean);
  const intro = 'Open this on every device and in every tab that should join:';
  return `\n${formatQrCode(link, terminal)}  ${intro}\n\n  ${link}\n\n${hints.map((hint) => `  ${hint}\n`).join('')}\n`;
};

/** Virtual machines, containers and tunnels: a phone on the same Wi-Fi doesn't reach them. */
const virtualInterface =
  /^(docker|br-|veth|virbr|vmnet|vboxnet|lxc|lxd|cni|flannel|tailscale|utun|tun|tap|wg|zt)/i;

/** This machine's addresses on its networks, the one that a phone most likely reaches first. */
export const lanAddresses = (interfaces: Interfaces): readonly string[] => {
  const found = Object.entries(interfaces).flatMap(([name, entries]) =>
    (entries ?? [])
      .filter(
        ({ family, internal, address }) => family === 'IPv4' && !internal && !address.startsWith('169.254.'),
      )
      .map(({ address }) => ({ address, rank: virtualInterface.test(name) ? 10 : rankOf(address) })),
  );
  return found.sort((a, b) => a.rank - b.rank).map(({ address }) => address);
};

/** Homes use 192.168, larger networks 10 and 172.16–31 (RFC 1918). */
const rankOf = (address: string): number => {
  if (address.startsWith('192.168.')) return 0;
  if (address.startsWith('10.')) return 1;
  return /^172\.(1[6-9]|2\d|3[01])\./.test(address) ? 2 : 3;
};

/** Black on white whatever the terminal's theme: some readers don't take it the other way round. */
const formatQrCode = (text: string, { colours, columns }: Terminal): string => {
  const lines = renderUnicodeCompact(text, { border: 2 }).split('\n');
  if ((lines[0]?.length ?? 0) > columns) return ''; // wrapped lines are no code
  const paint = (line: string) => (colours ? `\u001b[38;5;231;48;5;16m${line}\u001b[0m` : line);
  return `${lines.map(paint).join('\n')}\n\n`;
};
