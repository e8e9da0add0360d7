import { describe, expect, it } from 'vitest';
import { readKeeperCommand } from './command.ts';

const read = (line: string) => readKeeperCommand(line.split(' ').filter(Boolean));
const account = 'a'.repeat(43);

describe("the keeper's command line", () => {
  it('reads each command with its defaults', () => {
    expect(read('init --name A --url wss://a.example/ledger --out a.json')).toEqual({
      ok: true,
      value: { kind: 'init', name: 'A', url: 'wss://a.example/ledger', out: 'a.json' },
    });
    expect(read('run --genesis g.cbor --key a.json --data d --port 8790 --restored')).toMatchObject({
      value: {
        kind: 'run',
        port: 8790,
        address: '127.0.0.1',
        origins: [],
        messagesPerSecond: 50,
        restored: true,
      },
    });
    expect(
      read(
        `genesis --keepers a,b --name n --out g --treasury 12.5 --allocate ${account}:0.5 --epoch-seconds 60`,
      ),
    ).toMatchObject({
      value: {
        keepers: ['a', 'b'],
        treasury: 12_500_000,
        allocations: [{ account, amount: 500_000 }],
        epochSeconds: 60,
      },
    });
    expect(read('status --url http://127.0.0.1:8790')).toMatchObject({ value: { kind: 'status' } });
    expect(read('rotate --key a.json --out b.json --url https://ana.example')).toMatchObject({
      value: { kind: 'rotate', key: 'a.json', out: 'b.json', why: undefined },
    });
    expect(read('candidate --key a.json --url http://127.0.0.1:1 --with b.json,c.json')).toMatchObject({
      value: { kind: 'candidate', with: ['b.json', 'c.json'], replaces: undefined },
    });
    expect(read('run --genesis g --key a --data d --port 1 --next-key b')).toMatchObject({
      value: { kind: 'run', nextKey: 'b' },
    });
    for (const line of ['', '--help', 'help']) expect(read(line)).toMatchObject({ value: { kind: 'help' } });
  });

  it.each([
    ['dance', /no command: there are init, genesis, run, rotate, candidate, status/],
    ['init --name A --out a.json', /--url/],
    ['init --name A --url https://a.example --out a.json', /wss:/],
    ['run --genesis g --key k --data d', /--port.*needed/],
    ['run --genesis g --key k --data d --port 99999', /--port.*65535/],
    ['run --prot 1', /prot/],
    ['rotate --key a --out b --url wss://ana.example', /--url: must be like https:/],
    ['genesis --keepers a --name n --out g --treasury much', /treasury/],
    [`genesis --keepers a --name n --out g --allocate ${account}`, /allocate/],
    ['genesis --keepers a --name n --out g --epoch-seconds 0', /epoch-seconds.*at least 1/],
  ])('says what is wrong with "%s"', (line, reason) => {
    const command = read(line);
    expect(!command.ok && command.error).toMatch(reason);
  });
});
