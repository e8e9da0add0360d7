import type { Bytes } from '../../src/core/bytes.ts';
import { deviceCertificateBytes } from '../../src/identity/index.ts';
import { validEpochs } from '../../src/ledger/apply.ts';
import type { KeeperSigner } from '../../src/ledger/keeper/types.ts';
import { operationBytes, operationIdOf, operationMessage } from '../../src/ledger/operation.ts';
import { accountOf } from '../../src/ledger/transition/purse.ts';
import type {
  LedgerState,
  Operation,
  OperationBodies,
  OperationId,
  ReadOperation,
} from '../../src/ledger/types.ts';

/** What a keeper has to say in the ledger itself. */
export type CarriedKind = 'beacon' | 'evidence' | 'countersign';
type Body<Kind extends CarriedKind> = OperationBodies[Kind];
type Wish = {
  readonly [Kind in CarriedKind]: {
    readonly kind: Kind;
    /** Made when its turn comes, and again if it was not ordered in time; undefined: nobody needs it any more. */
    readonly body: Body<Kind> | ((state: LedgerState) => Body<Kind> | undefined);
  };
}[CarriedKind];

/**
 * The keeper's own account, which carries its reveals and the proofs it holds: opened when it is first needed, one operation
 * at a time. Doesn't know when a reveal is due. Keeps nothing: after a restart the same number is signed anew, and at most
 * one of the two is ever ordered.
 */
export interface Carrier {
  want(wish: Wish): void;
  /** The operation that is due now. The same until it is settled. */
  next(state: LedgerState): ReadOperation | undefined;
  /** What could not be ordered is let go, so that it doesn't hold up the rest. */
  refused(id: OperationId): void;
}

const mostWishes = 64;

export const createCarrier = (signer: KeeperSigner, account: Operation['account']): Carrier => {
  const wishes: Wish[] = [];
  let pending: ReadOperation | undefined;

  const sign = (state: LedgerState, content: Pick<Operation, 'kind' | 'body'>): ReadOperation => {
    const { net, epoch } = state;
    const seq = accountOf(state, account).seq + 1;
    // What is said of the state after the last epoch is worth nothing in the next.
    const validUntil = content.kind === 'countersign' ? epoch : epoch + validEpochs;
    const operation = { net, account, seq, validUntil, ...content } as Operation;
    const bytes = operationBytes(operation);
    return { bytes, signature: signer.sign(operationMessage(bytes)), id: operationIdOf(bytes), operation };
  };

  const settle = (state: LedgerState) => {
    if (!pending) return;
    const { seq, validUntil, kind } = pending.operation;
    if (accountOf(state, account).seq >= seq) {
      if (kind !== 'open') wishes.shift();
      pending = undefined;
    } else if (validUntil < state.epoch) pending = undefined;
  };

  return {
    want(wish) {
      if (wishes.length < mostWishes) wishes.push(wish);
    },
    next(state) {
      settle(state);
      if (pending) return pending;
      for (let wish = wishes[0]; wish; wish = wishes[0]) {
        const body = typeof wish.body === 'function' ? wish.body(state) : wish.body;
        if (!body) {
          wishes.shift();
          continue;
        }
        pending = accountOf(state, account).key
          ? sign(state, { kind: wish.kind, body } as Pick<Operation, 'kind' | 'body'>)
          : sign(state, { kind: 'open', body: openBody(signer) });
        return pending;
      }
      return undefined;
    },
    refused(id) {
      if (pending?.id !== id) return;
      if (pending.operation.kind !== 'open') wishes.shift();
      pending = undefined;
    },
  };
};

/** The account of a process has one device, whose key is the recovery key: both lie in the same file. */
const openBody = ({ publicKey, sign }: KeeperSigner): OperationBodies['open'] => {
  const body = { recoveryKey: publicKey, deviceKey: publicKey, issuedAt: 0 };
  const signature: Bytes = sign(deviceCertificateBytes(body));
  return { ...body, signature };
};
