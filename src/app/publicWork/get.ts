import type { Bytes } from '../../core/bytes.ts';
import { err, fault, ok } from '../../core/result.ts';
import type { Get, SourceFault } from './source.ts';

/** From this page's own host. A body that grows beyond its bound is left, whatever its header said. */
export const getFromHost: Get = async (path, maxBytes, signal) => {
  try {
    const response = await fetch(path, signal ? { signal } : {});
    if (!response.ok) return refuse('page', `the host answers ${response.status} for ${path}`);
    if (!response.body) return ok(new Uint8Array());
    const parts: Uint8Array[] = [];
    let length = 0;
    const reader = response.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      length += part.value.byteLength;
      if (length > maxBytes) {
        await reader.cancel();
        return refuse('page', `the host sends more than the ${maxBytes} bytes it told for ${path}`);
      }
      parts.push(part.value);
    }
    return ok(joined(parts, length));
  } catch (cause) {
    if (signal?.aborted) return refuse('cancelled', 'stopped');
    return refuse(
      'unreachable',
      `the host can't be reached (${cause instanceof Error ? cause.message : cause})`,
    );
  }
};

const joined = (parts: readonly Uint8Array[], length: number): Bytes => {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
};

const refuse = (code: SourceFault['code'], message: string) => err(fault(code, message));
