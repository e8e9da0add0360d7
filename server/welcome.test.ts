import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { formatWelcome, type Interfaces, lanAddresses } from './welcome.ts';

const entry = (address: string, internal = false) =>
  ({ address, internal, family: address.includes(':') ? 'IPv6' : 'IPv4' }) as NetworkInterfaceInfo;
const interfaces: Interfaces = {
  lo: [entry('127.0.0.1', true), entry('::1', true)],
  docker0: [entry('172.17.0.1')],
  wlan0: [entry('192.168.1.20'), entry('fd00::1'), entry('169.254.9.9')],
};
const room = { secret: 'a'.repeat(22), interfaces };
const terminal = { colours: false, columns: 200 };
const server = { url: 'http://localhost:8787', port: 8787 };

describe('the address of this machine', () => {
  it('is the one a phone reaches, containers last', () => {
    expect(lanAddresses(interfaces)).toEqual(['192.168.1.20', '172.17.0.1']);
    expect(lanAddresses({ eth0: [entry('10.1.2.3')], tun0: [entry('192.168.9.9')] })[0]).toBe('10.1.2.3');
    expect(lanAddresses({})).toEqual([]);
  });
});

describe('the welcome', () => {
  it('of a host for this machine has one link, with the room, and the way to phones', () => {
    const text = formatWelcome({ host: '127.0.0.1', tls: false }, server, room, terminal);
    expect(text).toContain(`  http://localhost:8787/#room=${room.secret}\n`);
    expect(text).toContain('--host 0.0.0.0 --tls');
    expect(text).not.toContain('192.168');
  });

  it('of an open host names the address on the network, and where to trust it', () => {
    const secure = { ...server, url: 'https://localhost:8787', fingerprint: 'AB:CD' };
    const text = formatWelcome({ host: '0.0.0.0', tls: true }, secure, room, terminal);
    expect(text).toContain(`  https://192.168.1.20:8787/#room=${room.secret}\n`);
    expect(text).toContain('https://192.168.1.20:8787/trust');
    expect(text).toContain('AB:CD');
    expect(text).toContain('try https://172.17.0.1:8787');
  });

  it('says what is missing where others could not join', () => {
    const open = formatWelcome({ host: '0.0.0.0', tls: false }, server, room, terminal);
    expect(open).toContain('Add --tls');
    const offline = formatWelcome(
      { host: '0.0.0.0', tls: true },
      server,
      { ...room, interfaces: {} },
      terminal,
    );
    expect(offline).toContain('no address');
  });

  it('has a code in fixed colours where there are colours, and none where it would wrap', () => {
    const codeOf = (columns: number, colours: boolean) =>
      formatWelcome({ host: '127.0.0.1', tls: false }, server, room, { columns, colours });
    expect(codeOf(80, true)).toContain('\u001b[38;5;231;48;5;16m');
    expect(codeOf(80, false)).toMatch(/█▀/);
    expect(codeOf(80, false)).not.toContain('\u001b');
    expect(codeOf(20, true)).not.toMatch(/█▀/);
  });
});
