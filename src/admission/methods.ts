/**
 * What members of a private swarm ask each other, by RPC, and what they tell all. Version 1.
 *
 *   admission.sync   have: the first 16 bytes of the id of every act here → acts (≤ 64) that are lacking, in an order in which
 *                    they can be added, and whether there are more
 *   admission.tell   acts, in such an order: to somebody who is about to be expelled, so that he can check why
 *   admission.renew  role → a capability token for the calling device, from the founder or an operator
 *   admission.show   token: what the caller may do; believed until it expires
 *
 *   topic admission  one act, as its author sends it; what is missed is found by sync
 */
import * as v from 'valibot';
import { bytesSchema } from '../core/schema.ts';
import type { Method } from '../mesh/contracts.ts';
import { admissionLimits, type Role, roleSchema } from './protocol.ts';

const { maxActs, prefixBytes, pageActs, maxActBytes, maxTokenLength } = admissionLimits;
const pageSchema = v.pipe(v.array(bytesSchema(maxActBytes)), v.maxLength(pageActs));
const tokenSchema = v.pipe(v.string(), v.maxLength(maxTokenLength));

export const syncMethod: Method<{ have: Uint8Array }, { acts: readonly Uint8Array[]; more: boolean }, never> =
  {
    name: 'admission.sync',
    input: v.strictObject({ have: bytesSchema(maxActs * prefixBytes) }),
    output: v.strictObject({ acts: pageSchema, more: v.boolean() }),
    progress: v.never(),
    priority: 'control',
  };

export const tellMethod: Method<{ acts: readonly Uint8Array[] }, null, never> = {
  name: 'admission.tell',
  input: v.strictObject({ acts: pageSchema }),
  output: v.null(),
  progress: v.never(),
  priority: 'control',
};

export const renewMethod: Method<{ role: Role }, { token: string }, never> = {
  name: 'admission.renew',
  input: v.strictObject({ role: roleSchema }),
  output: v.strictObject({ token: tokenSchema }),
  progress: v.never(),
  priority: 'control',
};

export const showMethod: Method<{ token: string }, null, never> = {
  name: 'admission.show',
  input: v.strictObject({ token: tokenSchema }),
  output: v.null(),
  progress: v.never(),
  priority: 'control',
};
