import { describe, expect, it } from 'vitest';
import { askHost, type HostFetch, postToHost } from './host.ts';

const answering = (answer: Response | Error) => {
  const asked: { readonly url: string; readonly init: RequestInit }[] = [];
  const fetch: HostFetch = async (url, init) => {
    asked.push({ url, init });
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { asked, fetch };
};
const nothing = { collector: false, channels: [] };

describe('what a host offers', () => {
  it('is asked of this page’s own host', async () => {
    const { asked, fetch } = answering(Response.json({ collector: true, channels: ['slack', 'email'] }));
    expect(await askHost(fetch)).toEqual({ collector: true, channels: ['slack', 'email'] });
    expect(asked[0]?.url).toBe('/telemetry');
    expect(asked[0]?.init.signal).toBeInstanceOf(AbortSignal);
  });

  it.each([
    ['has no such page', new Response('', { status: 404 })],
    ['answers with the page itself', new Response('<!doctype html>')],
    ['answers something else', Response.json({ collector: 'yes' })],
    ['names a channel nobody knows', Response.json({ collector: true, channels: ['fax'] })],
  ])('is nothing where it %s', async (_what, answer) => {
    expect(await askHost(answering(answer).fetch)).toEqual(nothing);
  });
});

describe('what a host offers that can’t be asked', () => {
  it.each([
    ['is out of reach', new Error('no network')],
    ['is starting', new Response('', { status: 503 })],
  ])('is not known while it %s', async (_what, answer) => {
    expect(await askHost(answering(answer).fetch)).toBeUndefined();
  });
});

describe('what is posted to a host', () => {
  it('is JSON, and outlives the page where it is small', async () => {
    const { asked, fetch } = answering(new Response('', { status: 202 }));
    expect(await postToHost(fetch, '/telemetry/alerts', '{}')).toEqual({
      status: 202,
      retryAfterMs: undefined,
    });
    expect(asked[0]).toMatchObject({
      url: '/telemetry/alerts',
      init: { method: 'POST', body: '{}', keepalive: true, headers: { 'Content-Type': 'application/json' } },
    });
    await postToHost(fetch, '/telemetry/alerts', 'x'.repeat(70_000));
    expect(asked[1]?.init.keepalive).toBe(false);
  });

  it.each([
    ['7', 7_000],
    ['soon', undefined],
    ['', undefined],
  ])('is tried again after %s s', async (header, expected) => {
    const { fetch } = answering(new Response('', { status: 429, headers: { 'Retry-After': header } }));
    expect((await postToHost(fetch, '/telemetry/alerts', '{}')).retryAfterMs).toBe(expected);
  });

  it('rejects where the host is out of reach: its channel tries again', async () => {
    await expect(postToHost(answering(new Error('gone')).fetch, '/x', '{}')).rejects.toThrow('gone');
  });
});
