/**
 * Two network namespaces with a path between them of which the test decides what it lets through, and each with a way to
 * the host in the third. Nothing outside them is touched. Linux, as root.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBrowser } from '../../scripts/lib/browser.mjs';

/**
 * How the path treats packets larger than 900 bytes. `cuts`: both ends know their small MTU, so the system cuts datagrams
 * into fragments. `swallows`: something in the middle drops them, and tells nobody.
 */
export type Narrow = 'cuts' | 'swallows';

export type Namespaces = {
  /** Where each reaches the host. */
  readonly hosts: readonly [string, string];
  /** A command that runs the browser inside a namespace; it takes the browser's arguments. */
  readonly browserIn: readonly [string, string];
  close(): void;
};

export const smallMtu = 900;

export const canMakeNamespaces = (): boolean =>
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  spawnSync('ip', ['netns', 'list'], { stdio: 'ignore' }).status === 0;

export const makeNamespaces = async (narrow: Narrow): Promise<Namespaces> => {
  const browser = await ensureBrowser();
  const id = `aiv${process.pid % 100_000}`;
  // A run that was killed leaves its devices behind; they must not have the addresses of the next.
  const subnet = (index: number) => `10.203.${(process.pid % 120) * 2 + index}`;
  const [left, right, middle] = [`${id}l`, `${id}r`, `${id}m`];
  const folder = mkdtempSync(join(tmpdir(), 'aivillage-mtu-'));
  const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const inside = (namespace: string, ...args: string[]) => ip('-n', namespace, ...args);

  const close = () => {
    // A namespace lives on while a browser's last process does; its ways to the host must not.
    for (const index of [0, 1]) spawnSync('ip', ['link', 'del', `${id}h${index}`], { stdio: 'ignore' });
    for (const namespace of [left, right, middle])
      spawnSync('ip', ['netns', 'del', namespace], { stdio: 'ignore' });
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const namespace of [left, right, middle]) {
      ip('netns', 'add', namespace);
      inside(namespace, 'link', 'set', 'lo', 'up');
    }
    // The way to the host. It forwards nothing between the two, so their only path is the narrow one.
    for (const [index, namespace] of [left, right].entries()) {
      const [outer, inner] = [`${id}h${index}`, 'host'];
      ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', namespace);
      ip('addr', 'add', `${subnet(index)}.1/30`, 'dev', outer);
      ip('link', 'set', outer, 'up');
      inside(namespace, 'addr', 'add', `${subnet(index)}.2/30`, 'dev', inner);
      inside(namespace, 'link', 'set', inner, 'up');
    }
    inside(middle, 'link', 'add', 'bridge', 'type', 'bridge');
    inside(middle, 'link', 'set', 'bridge', 'up');
    for (const [index, namespace] of [left, right].entries()) {
      const port = `port${index}`;
      inside(namespace, 'link', 'add', 'path', 'type', 'veth', 'peer', 'name', port, 'netns', middle);
      inside(namespace, 'addr', 'add', `10.204.0.${index + 1}/24`, 'dev', 'path');
      // A bridge forwards what fits through its ports and drops the rest; it answers nobody.
      inside(middle, 'link', 'set', port, 'mtu', String(smallMtu), 'master', 'bridge', 'up');
      inside(namespace, 'link', 'set', 'path', 'mtu', narrow === 'cuts' ? String(smallMtu) : '1500', 'up');
      // Without a person's leave to use a camera a browser offers only the address that leads to the world.
      inside(namespace, 'route', 'add', 'default', 'dev', 'path');
    }
  } catch (cause) {
    close();
    throw cause;
  }
  const browserIn = [left, right].map((namespace) => {
    const file = join(folder, namespace);
    writeFileSync(file, `#!/bin/sh\nexec ip netns exec ${namespace} '${browser}' "$@"\n`);
    chmodSync(file, 0o755);
    return file;
  });
  return {
    hosts: [`${subnet(0)}.1`, `${subnet(1)}.1`],
    browserIn: [browserIn[0] ?? '', browserIn[1] ?? ''],
    close,
  };
};
