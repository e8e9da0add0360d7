import type { LedgerWorkerApi } from '../../../workers/protocol.ts';
import { equalBytes } from '../../core/bytes.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import { audit } from '../../ledger/audit.ts';
import { blockIdOf, operationsRootOf } from '../../ledger/block.ts';
import { checkCertificate, quorumOf } from '../../ledger/certificate.ts';
import { merklePath, verifyMerklePath } from '../../ledger/merkle.ts';
import { operationIdOf, operationMessage, signedOperationBytes } from '../../ledger/operation.ts';
import { accountOf } from '../../ledger/transition/purse.ts';
import type { CertifiedBlock, LedgerState } from '../../ledger/types.ts';
import type { Verification } from '../ledgerView.ts';
import { evidenceSteps } from './evidence.ts';
import type { Explorer, Found } from './explorer.ts';
import { verifyFork } from './forkView.ts';
import { counted } from './words.ts';

type Step = Verification['steps'][number];

export type VerifyDeps = {
  readonly crypto: Pick<CryptoPort, 'verify'>;
  readonly state: () => LedgerState | undefined;
  readonly log: Pick<LedgerWorkerApi, 'keepersAt'>;
  readonly explorer: Pick<Explorer, 'blockAt'>;
};

/**
 * Checks again, here and now, what the replica checked when it took the block: from the exact bytes, with nothing taken from
 * what was found before. What stands in the state alone rests on the state: all money is counted again.
 */
export const verifyFound = async (found: Found, deps: VerifyDeps): Promise<Verification> => {
  if (found.kind === 'fork') return verifyFork(found, deps);
  const steps = await stepsOf(found, deps);
  return { steps, holds: steps.every(({ holds }) => holds) };
};

const stepsOf = async (
  found: Exclude<Found, { kind: 'fork' }>,
  deps: VerifyDeps,
): Promise<readonly Step[]> => {
  switch (found.kind) {
    case 'block':
      return blockSteps(found.certified, deps);
    case 'operation':
      return [...(await operationSteps(found, deps)), ...(await blockSteps(found.certified, deps))];
    case 'evidence':
      return [
        ...(await evidenceSteps(found, deps)),
        ...(found.proof ? await blockSteps(found.proof.certified, deps) : stateSteps(deps)),
      ];
    default:
      return stateSteps(deps);
  }
};

const blockSteps = async (certified: CertifiedBlock, deps: VerifyDeps): Promise<readonly Step[]> => {
  const { block } = certified;
  const { header, headerBytes, operations } = block;
  const keepers = await deps.log.keepersAt(header.height);
  const certificate = await checkCertificate(certified, keepers, deps.crypto);
  const before = header.height > 1 ? await deps.explorer.blockAt(header.height - 1) : undefined;
  return [
    {
      what: 'The block’s id is the hash of its header',
      holds: blockIdOf(headerBytes) === block.id,
      detail: block.id,
    },
    {
      what: `${quorumOf(keepers.length)} of ${keepers.length} keepers signed it in one round`,
      holds: certificate.ok,
      detail: certificate.ok
        ? certified.certificate.precommits.map(({ voter }) => keepers[voter]?.name ?? `${voter}`).join(', ')
        : certificate.error.message,
    },
    {
      what: 'Its operations are those of its header',
      holds: equalBytes(operationsRootOf(operations), header.operationsRoot),
      detail: counted(operations.length, 'operation'),
    },
    {
      what: 'It follows the block before it',
      holds: before === undefined || before.block.id === header.previous,
      detail: before
        ? `block ${header.height - 1}`
        : header.height === 1
          ? 'it is the first'
          : 'the block before it is not kept here any more; it was compared when this one was taken',
    },
  ];
};

const operationSteps = async (
  { operation: read, certified, index }: Extract<Found, { kind: 'operation' }>,
  { crypto, state }: VerifyDeps,
): Promise<readonly Step[]> => {
  const { operations, header } = certified.block;
  const leaves = operations.map(signedOperationBytes);
  const leaf = leaves[index];
  const isThere =
    leaf !== undefined &&
    verifyMerklePath(header.operationsRoot, leaf, index, leaves.length, merklePath(leaves, index));
  return [
    {
      what: 'Its id is the hash of its bytes',
      holds: operationIdOf(read.bytes) === read.id,
      detail: read.id,
    },
    await signatureStep(read, crypto, state()),
    {
      what: 'It stands in the block it says',
      holds: isThere,
      detail: `place ${index + 1} of ${operations.length}`,
    },
  ];
};

const signatureStep = async (
  { bytes, signature, operation }: Extract<Found, { kind: 'operation' }>['operation'],
  crypto: VerifyDeps['crypto'],
  state: LedgerState | undefined,
): Promise<Step> => {
  const what = 'Its owner signed it';
  const { key, recovery } = state ? accountOf(state, operation.account) : { key: null, recovery: null };
  const keys = operation.kind === 'open' ? [operation.body.deviceKey] : [key, recovery];
  for (const candidate of keys)
    if (candidate && (await crypto.verify(candidate, operationMessage(bytes), signature)))
      return { what, holds: true, detail: candidate === recovery ? 'with the recovery key' : 'with its key' };
  const rotated = state !== undefined && accountOf(state, operation.account).seq > operation.seq;
  return rotated
    ? {
        what: 'Its owner’s key has been replaced since: its signature rests on the keepers who signed the block',
        holds: true,
        detail: 'this browser checked it when it took the block, if it took it itself',
      }
    : { what, holds: false, detail: 'no key of this account made this signature' };
};

const stateSteps = ({ state }: VerifyDeps): readonly Step[] => {
  const present = state();
  if (!present) return [{ what: 'The ledger is open here', holds: false, detail: 'still being opened' }];
  const counted = audit(present);
  return [
    {
      what: 'All money of the state this stands in was counted again, account by account',
      holds: counted.ok,
      detail: counted.ok
        ? `held ${Object.values(counted.value).reduce((sum, part) => sum + part, 0)} µVC = minted ${present.supply.minted} − burned ${present.supply.burned}`
        : counted.error.message,
    },
  ];
};
