/**
 * A small world of network namespaces: a device with two ways into it, of which one is up at a time, and a friend with one,
 * maybe behind a firewall. The host is this machine. Linux, as root.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBrowser } from '../../scripts/lib/browser.mjs';
import { findProgram } from './tools.mts';

/** Lets in what answers to what went out, as home routers and many firewalls do. */
const rules = `table inet guard {
  chain in {
    type filter hook input priority 0; policy accept;
    iifname "lo" accept
    ct state established,related accept
    meta l4proto udp drop
  }
}
`;

export const makeTwoNetworks = async ({ firewall }: { readonly firewall: boolean }) => {
  const browser = await ensureBrowser();
  const id = `aiv${process.pid % 100_000}${firewall ? 'g' : 'o'}`;
  // A run that was killed leaves its devices behind; they must not have the addresses of the next.
  const number = (process.pid % 120) * 2 + (firewall ? 1 : 0);
  const subnet = {
    wifi: `10.205.${number}`,
    mobile: `10.206.${number}`,
    host: `10.207.${number}`,
    friend: `10.208.${number}`,
  };
  const [world, device, friend] = [`${id}w`, `${id}d`, `${id}f`];
  const folder = mkdtempSync(join(tmpdir(), 'aivillage-network-'));
  const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const inside = (namespace: string, ...args: string[]) => ip('-n', namespace, ...args);
  /** A way from the world into a namespace, up at the world's end. */
  const makeWay = (name: keyof typeof subnet, namespace: string) => {
    inside(world, 'link', 'add', name, 'type', 'veth', 'peer', 'name', name, 'netns', namespace);
    inside(world, 'addr', 'add', `${subnet[name]}.1/24`, 'dev', name);
    inside(world, 'link', 'set', name, 'up');
    inside(namespace, 'addr', 'add', `${subnet[name]}.2/24`, 'dev', name);
  };
  const use = (name: keyof typeof subnet, namespace: string) => {
    inside(namespace, 'link', 'set', name, 'up');
    inside(namespace, 'route', 'add', 'default', 'via', `${subnet[name]}.1`);
  };
  const close = () => {
    // A namespace lives on while a browser's last process does; its way to the host must not.
    spawnSync('ip', ['link', 'del', `${id}h`], { stdio: 'ignore' });
    for (const namespace of [device, friend, world])
      spawnSync('ip', ['netns', 'del', namespace], { stdio: 'ignore' });
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const namespace of [world, device, friend]) {
      ip('netns', 'add', namespace);
      inside(namespace, 'link', 'set', 'lo', 'up');
    }
    execFileSync('ip', ['netns', 'exec', world, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
    ip('link', 'add', `${id}h`, 'type', 'veth', 'peer', 'name', 'host', 'netns', world);
    ip('addr', 'add', `${subnet.host}.1/24`, 'dev', `${id}h`);
    ip('link', 'set', `${id}h`, 'up');
    inside(world, 'addr', 'add', `${subnet.host}.2/24`, 'dev', 'host');
    inside(world, 'link', 'set', 'host', 'up');
    for (const name of ['wifi', 'mobile', 'friend'] as const)
      ip('route', 'add', `${subnet[name]}.0/24`, 'via', `${subnet.host}.2`);
    makeWay('friend', friend);
    use('friend', friend);
    for (const way of ['wifi', 'mobile'] as const) makeWay(way, device);
    use('wifi', device);
    if (firewall)
      execFileSync('ip', ['netns', 'exec', friend, findProgram('nft') ?? 'nft', '-f', '-'], { input: rules });
  } catch (cause) {
    close();
    throw cause;
  }
  const browserIn = (namespace: string) => {
    const file = join(folder, namespace);
    writeFileSync(file, `#!/bin/sh\nexec ip netns exec ${namespace} '${browser}' "$@"\n`);
    chmodSync(file, 0o755);
    return file;
  };
  return {
    hostAddress: `${subnet.host}.1`,
    deviceBrowser: browserIn(device),
    friendBrowser: browserIn(friend),
    changeNetwork() {
      inside(device, 'link', 'set', 'wifi', 'down');
      use('mobile', device);
    },
    close,
  };
};
