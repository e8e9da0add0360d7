import type { AccountId } from '../../../../core/brand.ts';
import { copyText } from '../../../hooks/saveFile.ts';
import { useNotify } from '../../../hooks/useNotify.ts';
import { Button } from '../../../kit/Button.tsx';
import { Dialog } from '../../../kit/Dialog.tsx';
import { Field } from '../../../kit/Field.tsx';
import { QrCode } from '../../../kit/QrCode.tsx';
import { accountCode } from '../words.ts';

/** The own account in every form another device can take it. */
export const ReceiveDialog = ({
  account,
  onClose,
}: {
  readonly account: AccountId;
  readonly onClose: () => void;
}) => {
  const notify = useNotify();
  const copy = async () =>
    notify(
      (await copyText(account))
        ? { text: 'Account id copied.' }
        : { text: 'The browser refused the clipboard: select the id and copy it.', tone: 'bad' },
    );
  return (
    <Dialog title="Receive" onClose={onClose}>
      <QrCode text={accountCode(account)} label="QR code of your account" />
      <p className="quiet">
        Let the other person scan it, or send them this id. It only says where money goes: nobody can take
        anything with it.
      </p>
      <Field label="Your account id">
        {(ids) => (
          <textarea
            {...ids}
            className="input mono"
            rows={2}
            readOnly
            value={account}
            onFocus={(event) => event.currentTarget.select()}
          />
        )}
      </Field>
      <div className="bar">
        <Button look="primary" icon="copy" onClick={copy}>
          Copy account id
        </Button>
      </div>
    </Dialog>
  );
};
