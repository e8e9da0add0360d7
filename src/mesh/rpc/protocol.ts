/**
 * RPC between linked tabs, version 1. One message = one CBOR map with `t`:
 *
 *   call      id m i d   method, input, deadline in ms from now (clocks differ, so it is a duration)
 *             tp         optional: the caller's span as a W3C traceparent; what is malformed is as good as none
 *   progress  id v       zero or more, before the answer
 *   answer    id v       ends the call
 *   error     id c s     ends the call: code and sentence
 *   cancel    id         from the caller; may overtake its call, because it is sent as control
 *   ping n · pong n      is anybody there? Answered from the message handler, so hidden tabs answer
 *
 * `id` rises per caller, and a peer id lasts one page load, so (peer, id) names a call for ever: a call that arrives twice
 * runs once.
 */
import * as v from 'valibot';
import type { CborValue } from '../../core/codec.ts';
import { encodeCbor } from '../../core/codec.ts';
import { countSchema } from '../../core/schema.ts';

export const rpcLimits = { maxMessageBytes: 16 * 1024 * 1024, maxDepth: 16, maxDeadlineMs: 600_000 } as const;

const idSchema = countSchema(Number.MAX_SAFE_INTEGER);
export const handlerErrorCodes = ['refused', 'overloaded', 'failed'] as const;

export const rpcMessageSchema = v.variant('t', [
  v.object({
    t: v.literal('call'),
    id: idSchema,
    m: v.pipe(v.string(), v.maxLength(64)),
    i: v.unknown(),
    d: v.pipe(countSchema(rpcLimits.maxDeadlineMs), v.minValue(1)),
    /** Whatever it is: a trace never costs a call. */
    tp: v.optional(v.unknown()),
  }),
  v.object({ t: v.literal('progress'), id: idSchema, v: v.unknown() }),
  v.object({ t: v.literal('answer'), id: idSchema, v: v.unknown() }),
  v.object({
    t: v.literal('error'),
    id: idSchema,
    c: v.picklist(handlerErrorCodes),
    s: v.pipe(v.string(), v.maxLength(1_000)),
  }),
  v.object({ t: v.literal('cancel'), id: idSchema }),
  v.object({ t: v.literal('ping'), n: idSchema }),
  v.object({ t: v.literal('pong'), n: idSchema }),
]);
export type RpcMessage = v.InferOutput<typeof rpcMessageSchema>;

export const encodeRpc = (message: RpcMessage) => encodeCbor(message as unknown as CborValue);
