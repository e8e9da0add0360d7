import * as v from 'valibot';
import { equalBytes } from '../../../core/bytes.ts';
import { sha256Bytes } from '../../../core/hash.ts';
import { err, fault, ok } from '../../../core/result.ts';
import { countSchema } from '../../../core/schema.ts';
import { deviceCertificateBytes } from '../../../identity/certificates.ts';
import { accountIdOf } from '../../../identity/ids.ts';
import { formatAmount } from '../../amounts.ts';
import { contradictionOf } from '../../messages.ts';
import {
  accountSchema,
  exactBytes,
  keySchema,
  ownBytes,
  positiveAmount,
  shortText,
  signatureSchema,
} from '../../schemas.ts';
import type { LedgerModule } from '../module.ts';
import { accountOf, credit, debit, payTreasury } from '../purse.ts';
import type { CoreBodies } from './bodies.ts';

const signedMessageSchema = v.strictObject({ bytes: ownBytes(1_024), signature: signatureSchema });
const seatSchema = countSchema(255);

/** Accounts, transfers, keys, and what keepers say of themselves. */
export const core: Omit<LedgerModule<CoreBodies, never>, 'initial' | 'endEpoch' | 'held' | 'countHeld'> = {
  bodies: {
    open: v.strictObject({
      recoveryKey: keySchema,
      deviceKey: keySchema,
      issuedAt: countSchema(Number.MAX_SAFE_INTEGER),
      signature: signatureSchema,
    }),
    transfer: v.strictObject({
      to: accountSchema,
      amount: positiveAmount,
      memo: v.exactOptional(shortText(140)),
    }),
    rotate: v.strictObject({ key: keySchema, by: v.picklist(['current', 'recovery']) }),
    recovery: v.strictObject({ key: keySchema }),
    beacon: v.strictObject({ keeper: seatSchema, preimage: exactBytes(32) }),
    evidence: v.strictObject({ keeper: seatSchema, first: signedMessageSchema, second: signedMessageSchema }),
  },

  transitions: {
    open(draft, { recoveryKey, deviceKey }, { account }) {
      const known = accountOf(draft, account);
      if (known.key) return refuse('this account is open already: a key is changed by a rotation');
      if (accountIdOf(recoveryKey) !== account) return refuse('the recovery key is that of another account');
      draft.accounts = draft.accounts.set(account, { ...known, key: deviceKey, recovery: recoveryKey });
      return ok(undefined);
    },
    transfer(draft, { to, amount }, { account, emit }) {
      if (to === account) return refuse('a transfer to oneself moves nothing');
      const fee = draft.parameters.transferFee;
      const total = amount + fee;
      if (!Number.isSafeInteger(total)) return refuse(`${formatAmount(amount)} VC is more than there is`);
      const paid = debit(draft, account, total);
      if (!paid.ok) return paid;
      credit(draft, to, amount);
      payTreasury(draft, fee);
      emit({ account, what: 'sent', amount: -amount, about: to });
      if (fee > 0) emit({ account, what: 'fee', amount: -fee, about: undefined });
      emit({ account: to, what: 'received', amount, about: account });
      return ok(undefined);
    },
    rotate(draft, { key }, { account, emit }) {
      draft.accounts = draft.accounts.set(account, { ...accountOf(draft, account), key });
      emit({ account, what: 'key changed', amount: 0, about: undefined });
      return ok(undefined);
    },
    recovery(draft, { key }, { account, emit }) {
      draft.accounts = draft.accounts.set(account, { ...accountOf(draft, account), recovery: key });
      emit({ account, what: 'recovery key changed', amount: 0, about: undefined });
      return ok(undefined);
    },
    beacon(draft, { keeper, preimage }) {
      const seat = draft.keepers[keeper];
      if (!seat) return refuse(`there is no keeper ${keeper}`);
      if (draft.reveals[keeper]) return refuse(`keeper ${keeper} has revealed in this epoch already`);
      if (!equalBytes(sha256Bytes(preimage), seat.beacon))
        return refuse("this is not the keeper's next reveal");
      draft.reveals = { ...draft.reveals, [keeper]: preimage };
      return ok(undefined);
    },
    evidence(draft, { keeper, first, second }, { id, emit }) {
      const seat = draft.keepers[keeper];
      if (!seat) return refuse(`there is no keeper ${keeper}`);
      const proven = contradictionOf(draft.net, first.bytes, second.bytes);
      if (!proven.ok) return refuse(proven.error.message);
      const { height, round } = proven.value;
      for (const [, known] of draft.evidence.entries()) {
        if (known.height === height && equalBytes(known.key, seat.key))
          return refuse(`that keeper ${keeper} lied at height ${height} is known`);
      }
      draft.evidence = draft.evidence.set(id, { keeper, key: seat.key, height, round, epoch: draft.epoch });
      emit({ account: undefined, what: 'keeper contradicted itself', amount: 0, about: seat.name });
      return ok(undefined);
    },
  },

  signatures: {
    open: (body) => [
      { key: body.recoveryKey, message: deviceCertificateBytes(body), signature: body.signature },
    ],
    evidence({ keeper, first, second }, state) {
      const seat = state.keepers[keeper];
      if (!seat) return []; // refused by its transition
      return [first, second].map(({ bytes, signature }) => ({ key: seat.key, message: bytes, signature }));
    },
  },
};

const refuse = (message: string) => err(fault('operation', message));
