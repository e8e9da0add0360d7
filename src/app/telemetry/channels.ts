import { err, fault, ok } from '../../core/result.ts';
import { type Channel, createRelayChannel } from '../../observability/index.ts';
import type { showNotification } from '../../platform/browser/notifications.ts';
import type { HostTelemetry, TelemetrySettings } from '../telemetryView.ts';
import type { Posted } from './host.ts';

/** Where alerts go besides the page itself: the system's notifications, and the host's webhook, Slack and e-mail. */
export const alertChannels = (deps: {
  readonly settings: () => TelemetrySettings;
  readonly host: () => HostTelemetry | undefined;
  readonly room: string;
  readonly show: typeof showNotification;
  readonly post: (path: string, body: string) => Promise<Posted>;
}): readonly Channel[] => [
  {
    id: 'system',
    wants: ({ severity }) => deps.settings().notify && severity === 'page',
    async notify({ id, title, text }) {
      if (!deps.settings().notify) return off;
      const refused = await deps.show(title, { body: text, tag: id });
      return refused === undefined ? ok(undefined) : err(fault('refused', refused));
    },
  },
  {
    id: 'host',
    wants: () => deps.settings().relayAlerts && (deps.host()?.channels.length ?? 0) > 0,
    async notify(notification, signal) {
      // It may have waited while its person changed his mind; and a test must not tell what alerts may not.
      return deps.settings().relayAlerts ? hostChannel(deps).notify(notification, signal) : off;
    },
  },
];

const hostChannel = ({ room, post }: Pick<Parameters<typeof alertChannels>[0], 'room' | 'post'>): Channel =>
  createRelayChannel({
    swarm: room,
    async post(path, body) {
      const { status, retryAfterMs } = await post(path, body);
      return { status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
    },
  });

const off = err(fault('refused', 'it is switched off here'));
