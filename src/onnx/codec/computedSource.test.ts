import { describe, expect, it } from 'vitest';
import { computedSource } from './computedSource.ts';
import { refuse } from './refusal.ts';
import { writeSafetensors } from './safetensors.ts';

const counted = () => {
  const record = { times: 0, fail: false };
  const source = computedSource(4, async () => {
    record.times++;
    if (record.fail) throw new Error('the disk is gone');
    return Uint8Array.of(1, 2, 3, 4);
  });
  return { record, source };
};

describe('a computed source', () => {
  it('computes when it is first read, once for all its parts', async () => {
    const { record, source } = counted();
    expect(record.times).toBe(0);
    expect(await source.read(0, 3)).toEqual(Uint8Array.of(1, 2, 3));
    expect(await source.read(3, 1)).toEqual(Uint8Array.of(4));
    expect(record.times).toBe(1);
  });

  it('forgets after its last byte, and computes again if it is read again', async () => {
    const { record, source } = counted();
    await source.read(0, 4);
    await source.read(0, 4);
    expect(record.times).toBe(2);
  });

  it('passes a failure on, and tries again at the next read', async () => {
    const { record, source } = counted();
    record.fail = true;
    await expect(source.read(0, 2)).rejects.toThrow('the disk is gone');
    record.fail = false;
    expect(await source.read(0, 2)).toEqual(Uint8Array.of(1, 2));
  });

  it('passes a fault on as that fault, through whoever writes it', async () => {
    const source = computedSource(4, () => {
      throw refuse('invalid', 'w: element 3 is NaN');
    });
    const tensor = {
      dtype: 'float32',
      dims: [1],
      data: { kind: 'slice', source, offset: 0, length: 4 },
    } as const;
    const written = await writeSafetensors(new Map([['w', tensor]]), undefined, async () => {});
    expect(written).toMatchObject({ error: { code: 'invalid', message: 'w: element 3 is NaN' } });
  });

  it('refuses what is outside, and a computation of another size', async () => {
    await expect(counted().source.read(3, 2)).rejects.toThrow(RangeError);
    await expect(computedSource(2, () => new Uint8Array(3)).read(0, 1)).rejects.toThrow('3 bytes');
  });
});
