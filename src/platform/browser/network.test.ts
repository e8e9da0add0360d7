import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { watchNetwork } from './network.ts';

const page = Object.assign(new EventTarget(), { hidden: false });
const start = () => {
  const changed = vi.fn();
  watchNetwork(changed);
  return changed;
};

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('addEventListener', () => {});
  vi.stubGlobal('document', page);
  vi.stubGlobal('navigator', {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('tells that the device has slept as soon as somebody looks, and once', () => {
  const changed = start();
  vi.advanceTimersByTime(20_000);
  vi.setSystemTime(Date.now() + 10 * 60_000); // nothing runs meanwhile
  page.dispatchEvent(new Event('visibilitychange'));
  expect(changed).toHaveBeenCalledOnce();
  vi.advanceTimersByTime(60_000);
  expect(changed).toHaveBeenCalledOnce();
});

it('tells it without anybody looking, too', () => {
  const changed = start();
  vi.setSystemTime(Date.now() + 10 * 60_000);
  vi.advanceTimersByTime(15_000);
  expect(changed).toHaveBeenCalledOnce();
});

it('does not take a hidden page, whose timers come once a minute, for a sleeping one', () => {
  const changed = start();
  vi.setSystemTime(Date.now() + 60_000);
  vi.advanceTimersByTime(15_000);
  page.dispatchEvent(new Event('visibilitychange'));
  expect(changed).not.toHaveBeenCalled();
});
