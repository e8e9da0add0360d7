import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/core/bytes.ts';
import { sealingTagBytes } from '../../src/core/ports/sealing.ts';
import { createSealing } from '../../src/platform/browser/sealing.ts';

const port = createSealing();
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

describe('sealing', () => {
  it('is AES-256-GCM: test case 16 of the GCM specification (McGrew and Viega)', async () => {
    const key = await port.sealingKey(
      bytes('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308'),
    );
    const plaintext = bytes(
      'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
    );
    const nonce = bytes('cafebabefacedbaddecaf888');
    const additional = bytes('feedfacedeadbeeffeedfacedeadbeefabaddad2');
    const sealed = await key.seal(nonce, plaintext, additional);
    expect(toHex(sealed)).toBe(
      '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b',
    );
    expect(sealed.byteLength).toBe(plaintext.byteLength + sealingTagBytes);
    expect(await key.open(nonce, sealed, additional)).toEqual(plaintext);
  });

  it('opens nothing that was changed, or sealed otherwise', async () => {
    const [key, other] = [
      await port.sealingKey(new Uint8Array(32).fill(1)),
      await port.sealingKey(new Uint8Array(32).fill(2)),
    ];
    const [nonce, text, additional] = [new Uint8Array(12), Uint8Array.of(1, 2, 3), Uint8Array.of(9)];
    const sealed = await key.seal(nonce, text, additional);
    expect(await key.open(nonce, sealed, additional)).toEqual(text);
    expect(await other.open(nonce, sealed, additional)).toBeUndefined();
    expect(await key.open(nonce.with(0, 1), sealed, additional)).toBeUndefined();
    expect(await key.open(nonce, sealed.with(0, sealed[0]! ^ 1), additional)).toBeUndefined();
    expect(await key.open(nonce, sealed, Uint8Array.of(8))).toBeUndefined();
    expect(await key.open(nonce, new Uint8Array(3), additional)).toBeUndefined();
  });

  it('agrees on the same 32 bytes from both sides, and on none with what is no key', async () => {
    const [ana, ben] = [await port.generateAgreementKey(), await port.generateAgreementKey()];
    const shared = await ana.agree(ben.publicKey);
    expect(shared).toHaveLength(32);
    expect(await ben.agree(ana.publicKey)).toEqual(shared);
    expect(await ana.agree(new Uint8Array(31))).toBeUndefined();
    expect(await ana.agree(new Uint8Array(32))).toBeUndefined(); // small order: the result would be all zero
  });
});
