/** What scenarios share: waiting for a page, and talking over its own interface (docs/p2p.md). */
import { existsSync } from 'node:fs';

/** Evaluates text in a page: whoever drives it. */
export type Evaluate = (expression: string) => Promise<unknown>;

export const findProgram = (name: string): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(':')
    .concat('/usr/sbin')
    .map((folder) => `${folder}/${name}`)
    .find((path) => existsSync(path));

export const pollUntil = async (
  what: string,
  read: () => Promise<boolean>,
  withinMs = 60_000,
): Promise<void> => {
  const until = Date.now() + withinMs;
  while (!(await read().catch(() => false))) {
    if (Date.now() > until) throw new Error(`not within ${withinMs / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
};

/** Waits until the tab has exactly one link, of this kind. */
export const waitForWay = (
  name: string,
  evaluate: Evaluate,
  way: 'direct' | 'carried',
  withinMs = 60_000,
): Promise<void> =>
  pollUntil(
    `${name} has one link, ${way}`,
    async () => {
      const links = await evaluate('aivillage.p2p.getNetworkStatistics().links.map(({ way }) => way)');
      return Array.isArray(links) && links.join() === way;
    },
    withinMs,
  );

const listen = `(() => {
  globalThis.heard = [];
  aivillage.p2p.messages(({ payload }) => heard.push(new TextDecoder().decode(payload)));
})()`;

/** A message each way, acknowledged and heard. */
export const talk = async (one: Evaluate, other: Evaluate): Promise<void> => {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const self = String(await to('aivillage.p2p.self'));
    await to(listen);
    const sent = (await from(
      `aivillage.p2p.sendMessage('${self}', new TextEncoder().encode('good evening'))`,
    )) as { readonly ok: boolean };
    if (!sent.ok) throw new Error(`a message did not arrive: ${JSON.stringify(sent)}`);
    await pollUntil('the message is heard', async () => String(await to('heard.join()')) === 'good evening');
  }
};
