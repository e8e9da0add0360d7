import { describe, expect, it } from 'vitest';
import { milliseconds, type PeerId } from '../src/core/brand.ts';
import { turnCredentials } from './turn.ts';

const at = (seconds: number) => ({ now: () => milliseconds(seconds * 1_000) });
const config = { urls: ['turn:turn.example:3478'], secret: 'north' };

describe('TURN credentials', () => {
  it('are what a server with the same secret computes', () => {
    // printf %s '1433938215:alice' | openssl dgst -sha1 -hmac north -binary | base64
    expect(turnCredentials(config, 'alice' as PeerId, at(1_433_938_215 - 12 * 3_600))).toEqual({
      urls: ['turn:turn.example:3478'],
      username: '1433938215:alice',
      credential: 'cyGYy9gAuvmnJDRdVHzHXtG0kfc=',
    });
  });

  it('are of one peer and of one time', () => {
    const first = turnCredentials(config, 'alice' as PeerId, at(1_000));
    expect(turnCredentials(config, 'bob' as PeerId, at(1_000)).credential).not.toBe(first.credential);
    expect(turnCredentials(config, 'alice' as PeerId, at(1_001)).credential).not.toBe(first.credential);
  });
});
