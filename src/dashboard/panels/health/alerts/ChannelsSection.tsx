import { useState } from 'react';
import type { HostTelemetry } from '../../../../app/telemetryView.ts';
import { useApp, useStore } from '../../../hooks/useApp.ts';
import { Button } from '../../../kit/Button.tsx';
import { Facts } from '../../../kit/Facts.tsx';
import { asSentence } from '../../../kit/format.ts';
import { Notice } from '../../../kit/Notice.tsx';
import { SettingSwitch } from '../SettingSwitch.tsx';

const channelWords: Record<HostTelemetry['channels'][number], string> = {
  webhook: 'a webhook',
  slack: 'Slack',
  email: 'e-mail',
};

/** How a person is told, on this device and through the host. */
export const ChannelsSection = () => {
  const { models } = useApp();
  const host = useStore(models.telemetry.host);
  return (
    <section className="section" aria-labelledby="channels-title">
      <h2 id="channels-title">How you are told</h2>
      <p className="quiet">Every alert stands in the inbox, with a count at Health. Beyond that:</p>
      <SettingSwitch setting="notify" />
      <SettingSwitch setting="relayAlerts" disabled={!host || host.channels.length === 0} />
      <p className="small quiet">{hostInWords(host)}</p>
      <TestChannels />
    </section>
  );
};

const hostInWords = (host: HostTelemetry | undefined): string => {
  if (!host) return 'This host has not said yet what it offers.';
  if (host.channels.length === 0) return 'This host offers no way to tell you elsewhere.';
  return `This host tells whoever runs it by ${host.channels.map((channel) => channelWords[channel]).join(' and ')}.`;
};

const TestChannels = () => {
  const { commands } = useApp();
  const [state, setState] = useState<
    | { readonly phase: 'idle' | 'running' }
    | { readonly phase: 'failed'; readonly error: string }
    | { readonly phase: 'done'; readonly outcomes: Awaited<ReturnType<typeof commands.testChannels>> }
  >({ phase: 'idle' });
  const test = () => {
    setState({ phase: 'running' });
    commands.testChannels().then(
      (outcomes) => setState({ phase: 'done', outcomes }),
      (cause: unknown) =>
        setState({ phase: 'failed', error: cause instanceof Error ? cause.message : String(cause) }),
    );
  };
  return (
    <>
      <div>
        <Button icon="send" onClick={test} disabled={state.phase === 'running'}>
          {state.phase === 'running' ? 'Sending…' : 'Send a test'}
        </Button>
      </div>
      {state.phase === 'failed' ? (
        <Notice tone="bad" title="No test was sent.">
          {asSentence(state.error)} Try again; the log says more.
        </Notice>
      ) : null}
      {state.phase === 'done' ? (
        <div role="status">
          <Facts
            facts={state.outcomes.map(({ channel, outcome }) => ({
              term: channel,
              value: asSentence(outcome),
            }))}
          />
        </div>
      ) : null}
    </>
  );
};
