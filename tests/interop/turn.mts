import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Page } from 'playwright';
import { openBrowser, openTab, startHost } from '../../scripts/lib/village.ts';
import { findProgram, freePort, pollUntil, talk, waitForWay } from './tools.mts';

/** A tab that may use relayed addresses only, as one behind a symmetric NAT in effect does. */
const relayOnly = `(() => {
  const Native = globalThis.RTCPeerConnection;
  globalThis.connections = [];
  globalThis.RTCPeerConnection = class extends Native {
    constructor(configuration) {
      super({ ...configuration, iceTransportPolicy: 'relay' });
      connections.push(this);
    }
  };
})()`;

/** Of the pair of candidates that is in use. */
const candidateTypes = `(async () => {
  for (const connection of connections) {
    if (connection.connectionState !== 'connected') continue;
    const stats = [...(await connection.getStats()).values()];
    const transport = stats.find(({ type }) => type === 'transport');
    const pair = stats.find(({ id }) => id === transport.selectedCandidatePairId);
    return [pair.localCandidateId, pair.remoteCandidateId].map((wanted) => stats.find(({ id }) => id === wanted).candidateType).join();
  }
  return 'none';
})()`;

/**
 * Two tabs that may only be reached over a relay, and a coturn with the short-lived passwords that the host makes
 * (AIVILLAGE_TURN_URLS, AIVILLAGE_TURN_SECRET). With a wrong secret coturn refuses them.
 */
export const turn = async (): Promise<string> => {
  const program = findProgram('turnserver');
  if (!program) return 'skipped: no coturn (turnserver) here';
  const secret = randomBytes(16).toString('hex');
  const port = await freePort();
  const relay = spawn(
    program,
    [
      ...['-n', '--no-cli', '--no-tls', '--no-dtls', '--allow-loopback-peers', '--no-stdout-log'],
      ...['--listening-ip=127.0.0.1', '--relay-ip=127.0.0.1', `--listening-port=${port}`],
      ...['--use-auth-secret', `--static-auth-secret=${secret}`, '--realm=village', '--log-file=/dev/null'],
    ],
    { stdio: 'ignore' },
  );
  const browser = await openBrowser();
  const pairWith = async (used: string) => {
    const host = await startHost({ turn: { urls: [`turn:127.0.0.1:${port}`], secret: used } });
    const open = async (): Promise<Page> => {
      const context = await browser.browser.newContext();
      await context.addInitScript(relayOnly);
      return openTab(browser.browser, host.link, { context });
    };
    return { host, ana: await open(), ben: await open() };
  };
  try {
    const { host, ana, ben } = await pairWith(secret);
    const inAna = (expression: string) => ana.evaluate(expression);
    const inBen = (expression: string) => ben.evaluate(expression);
    await waitForWay('the first tab', inAna, 'relayed');
    await waitForWay('the second tab', inBen, 'relayed');
    await talk(inAna, inBen);
    const types = String(await inAna(candidateTypes));
    if (types !== 'relay,relay') throw new Error(`the link is not over the relay: ${types}`);
    await host.close();

    const refused = await pairWith(`${secret.slice(1)}x`);
    const link = (expression: string) => refused.ana.evaluate(expression);
    await waitForWay('the first tab, with a wrong secret,', link, 'carried');
    await pollUntil(
      'no connection over the relay',
      async () => String(await link(candidateTypes)) === 'none',
    );
    await refused.host.close();
    return 'two relay-only tabs over coturn, a message each way; with a wrong secret through the server instead';
  } finally {
    await browser.close();
    relay.kill();
  }
};
