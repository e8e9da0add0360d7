import type { AccountId, ReceiptId, Sha256 } from '../core/brand.ts';
import { type Bytes, concatBytes, equalBytes, utf8 } from '../core/bytes.ts';
import { type CborValue, encodeCbor } from '../core/codec.ts';
import { sha256Base64url } from '../core/hash.ts';
import type { CryptoPort, SigningKey } from '../core/ports/crypto.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import type { ReceiptBody, TaskKind, WorkReceipt } from './contracts.ts';
import { creditsFor } from './cost.ts';

export type ReceiptFault = Fault<'receipt'>;

/** The bytes that both sides sign and whose hash is the id: a domain, then deterministic CBOR of the body. */
export const receiptBytes = (body: ReceiptBody): Bytes =>
  concatBytes(utf8('aivillage/receipt/1'), encodeCbor(body as unknown as CborValue));

export const receiptIdOf = (body: ReceiptBody): ReceiptId => sha256Base64url(receiptBytes(body)) as ReceiptId;

/** The worker's half. */
export const claimReceipt = async (body: ReceiptBody, worker: SigningKey): Promise<WorkReceipt> => ({
  id: receiptIdOf(body),
  body,
  workerSignature: await worker.sign(receiptBytes(body)),
});

/** The requester's half. Call it only for a claim that `checkClaim` accepted. */
export const countersign = async (claim: WorkReceipt, requester: SigningKey): Promise<WorkReceipt> => ({
  ...claim,
  requesterSignature: await requester.sign(receiptBytes(claim.body)),
});

/** Whether a receipt is whole: its id, both signatures, two accounts, and a cost that follows from its pixels. */
export const verifyReceipt = async (
  receipt: WorkReceipt,
  crypto: Pick<CryptoPort, 'verify'>,
): Promise<Result<void, ReceiptFault>> => {
  const { requesterSignature, body } = receipt;
  if (!requesterSignature) return refuse('the requester has not signed it');
  const claim = await verifyWorkerHalf(receipt, crypto);
  if (!claim.ok) return claim;
  const signed = await crypto.verify(body.requester.deviceKey, receiptBytes(body), requesterSignature);
  return signed ? ok(undefined) : refuse("the requester's signature does not hold");
};

/** Whether a claim is what its worker signed, whatever it is about. */
export const verifyWorkerHalf = async (
  { id, body, workerSignature }: WorkReceipt,
  crypto: Pick<CryptoPort, 'verify'>,
): Promise<Result<void, ReceiptFault>> => {
  if (id !== receiptIdOf(body)) return refuse('its id is not the hash of its body');
  if (body.requester.account === body.worker.account) return refuse('work inside one account earns nothing');
  const owed = creditsFor(body.kind, body.cost.pixels);
  if (body.cost.milliCredits !== owed) {
    return refuse(
      `it asks for ${body.cost.milliCredits} milli-credits where ${body.cost.pixels} pixels of ${body.kind} pay ${owed}`,
    );
  }
  const signed = await crypto.verify(body.worker.deviceKey, receiptBytes(body), workerSignature);
  return signed ? ok(undefined) : refuse("the worker's signature does not hold");
};

export type Party = { readonly account: AccountId; readonly deviceKey: Uint8Array };
/** What the requester saw with its own eyes. */
export type WitnessedWork = Pick<ReceiptBody, 'unit' | 'job' | 'kind' | 'model'> & {
  readonly input: Sha256;
  readonly output: Sha256;
  readonly pixels: number;
  readonly requester: Party;
  readonly worker: Party;
};

/** Compares every field of a claim with what the requester saw, then the worker's signature. */
export const checkClaim = async (
  claim: WorkReceipt,
  seen: WitnessedWork,
  crypto: Pick<CryptoPort, 'verify'>,
): Promise<Result<void, ReceiptFault>> => {
  const { body } = claim;
  for (const field of ['unit', 'job', 'kind', 'model', 'input', 'output'] as const) {
    if (body[field] !== seen[field]) return refuse(`its ${field} is not that of the work that was done`);
  }
  if (body.cost.pixels !== seen.pixels) {
    return refuse(`it counts ${body.cost.pixels} pixels, the input has ${seen.pixels}`);
  }
  if (!isParty(body.requester, seen.requester)) return refuse('it names another requester');
  if (!isParty(body.worker, seen.worker)) return refuse('it names another worker');
  return verifyWorkerHalf(claim, crypto);
};

/** The parts of a claim that the worker fills in. */
export const receiptBodyFor = (
  seen: WitnessedWork,
  measured: {
    readonly computeMs: number;
    readonly runtime: 'wasm' | 'webgpu';
    readonly threads: number;
    readonly at: number;
  },
): ReceiptBody => ({
  v: 1,
  unit: seen.unit,
  job: seen.job,
  kind: seen.kind,
  model: seen.model,
  input: seen.input,
  output: seen.output,
  requester: seen.requester,
  worker: seen.worker,
  cost: {
    milliCredits: creditsFor(seen.kind as TaskKind, seen.pixels),
    pixels: seen.pixels,
    computeMs: Math.max(0, Math.round(measured.computeMs)),
    runtime: measured.runtime,
    threads: measured.threads,
  },
  at: Math.max(0, Math.round(measured.at)),
});

const isParty = (a: Party, b: Party): boolean =>
  a.account === b.account && equalBytes(a.deviceKey, b.deviceKey);
const refuse = (message: string) => err(fault('receipt', message));
