import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Telemetry } from '../../src/core/ports/telemetry.ts';
import { parseTraceparent } from '../../src/observability/index.ts';

/**
 * A span for a request whose sender traces it, from here to the last byte of the answer; nothing for all others. Of the address only
 * the path is told, cut short: what comes behind it may be anything.
 */
export const traceRequest = (
  span: Telemetry['span'],
  request: IncomingMessage,
  response: ServerResponse,
): void => {
  const parent = parseTraceparent(request.headers['traceparent']);
  if (!parent) return;
  const path = (request.url ?? '').split('?', 1)[0]?.slice(0, 200);
  const served = span('http', { parent, kind: 'server', fields: { method: request.method, path } });
  response.once('close', () => {
    const { statusCode, writableFinished } = response;
    served.set({ status: statusCode, whole: writableFinished });
    served.end(statusCode >= 500 ? `answered ${statusCode}` : undefined);
  });
};
