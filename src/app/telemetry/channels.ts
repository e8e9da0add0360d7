import { err, fault, ok } from '../../core/result.ts';
import { type Channel, relayPath } from '../../observability/index.ts';
import { showNotification } from '../../platform/browser/notifications.ts';
import type { HostTelemetry, TelemetrySettings } from '../telemetryView.ts';
import type { Posted } from './host.ts';

/** Where alerts go besides the page itself: the system's notifications, and the host's webhook, Slack and e-mail. */
export const alertChannels = (deps: {
  readonly settings: () => TelemetrySettings;
  readonly host: () => HostTelemetry | undefined;
  readonly room: string;
  readonly post: (path: string, body: string) => Promise<Posted>;
}): readonly Channel[] => [
  {
    id: 'system',
    wants: ({ severity }) => deps.settings().notify && severity === 'page',
    async notify({ id, title, text }) {
      const refused = await showNotification(title, { body: text, tag: id });
      return refused === undefined ? ok(undefined) : err(fault('refused', refused));
    },
  },
  {
    id: 'host',
    wants: () => deps.settings().relayAlerts && (deps.host()?.channels.length ?? 0) > 0,
    async notify(notification) {
      const { status, retryAfterMs } = await deps.post(
        relayPath,
        JSON.stringify({ version: 1, swarm: deps.room, notification }),
      );
      if (status < 300) return ok(undefined);
      const said = `the host answered ${status}`;
      // What it calls wrong is wrong the next time too.
      return status === 429 || status >= 500
        ? err({ ...fault('retry', said), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) })
        : err(fault('refused', said));
    },
  },
];
