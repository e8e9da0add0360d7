import type { CryptoPort, PublicKey } from '../core/ports/crypto.ts';
import { err, fault, ok, type Result } from '../core/result.ts';
import type { BlockFault } from './block.ts';
import { operationMessage } from './operation.ts';
import { core } from './transition/core/index.ts';
import type { SignatureCheck } from './transition/module.ts';
import { modules } from './transition/modules.ts';
import { accountOf } from './transition/purse.ts';
import type { LedgerState, Operation, OperationKind, ReadOperation } from './types.ts';

type Verify = Pick<CryptoPort, 'verify'>;

/**
 * Every signature that operations rest on, checked apart from `applyBlock`: verification is asynchronous, and one that was
 * checked on arrival need not be checked again in a block. Follows keys through a block: an account may be opened or change
 * its key before its next operation there.
 */
export const signatureChecksOf = (
  state: LedgerState,
  operations: readonly ReadOperation[],
): Result<readonly (readonly SignatureCheck[])[], BlockFault> => {
  const keys = new Map<string, Pick<AccountKeys, 'key' | 'recovery'>>();
  const checks: (readonly SignatureCheck[])[] = [];
  for (const [index, read] of operations.entries()) {
    const { operation } = read;
    const known = keys.get(operation.account) ?? accountOf(state, operation.account);
    const key = signerOf(operation, known);
    if (!key) return refuse(`operation ${index}: its account has no key that could have signed it`);
    checks.push([
      { key, message: operationMessage(read.bytes), signature: read.signature },
      ...furtherChecks(operation, state),
    ]);
    const changed = keysAfter(operation, known);
    if (changed) keys.set(operation.account, changed);
  }
  return ok(checks);
};

export const checkSignatures = async (
  state: LedgerState,
  operations: readonly ReadOperation[],
  crypto: Verify,
): Promise<Result<void, BlockFault>> => {
  const checks = signatureChecksOf(state, operations);
  if (!checks.ok) return checks;
  const held = await Promise.all(
    checks.value.map(async (ofOne) =>
      (
        await Promise.all(ofOne.map(({ key, message, signature }) => crypto.verify(key, message, signature)))
      ).every(Boolean),
    ),
  );
  const broken = held.indexOf(false);
  return broken < 0 ? ok(undefined) : refuse(`operation ${broken}: a signature does not hold`);
};

type AccountKeys = { readonly key: PublicKey | null; readonly recovery: PublicKey | null };

const signerOf = (operation: Operation, { key, recovery }: AccountKeys): PublicKey | null => {
  if (operation.kind === 'open') return operation.body.deviceKey;
  if (operation.kind === 'recovery') return recovery;
  if (operation.kind === 'rotate' && operation.body.by === 'recovery') return recovery;
  return key;
};

const keysAfter = (operation: Operation, known: AccountKeys): AccountKeys | undefined => {
  if (operation.kind === 'open')
    return known.key ? undefined : { key: operation.body.deviceKey, recovery: operation.body.recoveryKey };
  if (operation.kind === 'rotate') return { ...known, key: operation.body.key };
  if (operation.kind === 'recovery') return { ...known, recovery: operation.body.key };
  return undefined;
};

type Further = (body: unknown, state: LedgerState) => readonly SignatureCheck[];
const furtherByKind = {
  ...core.signatures,
  ...modules.market.signatures,
  ...modules.mint.signatures,
  ...modules.governance.signatures,
} as Partial<Record<OperationKind, Further>>;

const furtherChecks = ({ kind, body }: Operation, state: LedgerState): readonly SignatureCheck[] =>
  furtherByKind[kind]?.(body, state) ?? [];

const refuse = (message: string) => err(fault('block', message));
