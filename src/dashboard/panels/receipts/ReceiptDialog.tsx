import { type ReactNode, useState } from 'react';
import type { ReceiptView } from '../../../app/readModels.ts';
import { runtimeNames, taskName } from '../../charts/SpeedBars.tsx';
import { attempt } from '../../hooks/attempt.ts';
import { useApp } from '../../hooks/useApp.ts';
import { Button } from '../../kit/Button.tsx';
import { Dialog } from '../../kit/Dialog.tsx';
import { Facts } from '../../kit/Facts.tsx';
import {
  bytesToHex,
  formatCredits,
  formatDateTime,
  formatDuration,
  formatInteger,
} from '../../kit/format.ts';
import { Notice } from '../../kit/Notice.tsx';
import { directionInWords, otherName, stateInWords } from './receiptWords.ts';

type Verdict =
  | { readonly phase: 'unchecked' | 'checking' | 'valid' }
  | { readonly phase: 'invalid'; readonly reason: string };

/** One receipt, field by field, and whether its signatures hold here and now. */
export const ReceiptDialog = ({
  view,
  onClose,
}: {
  readonly view: ReceiptView;
  readonly onClose: () => void;
}) => {
  const { commands } = useApp();
  const [verdict, setVerdict] = useState<Verdict>({ phase: 'unchecked' });
  const { receipt, direction, state } = view;
  const { body } = receipt;
  const verify = async () => {
    setVerdict({ phase: 'checking' });
    const result = await attempt(() => commands.verifyReceipt(receipt.id));
    setVerdict(result.ok ? { phase: 'valid' } : { phase: 'invalid', reason: result.error });
  };
  return (
    <Dialog title={`${formatCredits(body.cost.milliCredits)} credits`} onClose={onClose} wide>
      <p className="quiet">
        {directionInWords[direction]}: {otherName(view)}, {formatDateTime(body.at)}; {stateInWords[state]}.
      </p>
      <div className="bar" role="status">
        <Button look="primary" icon="check" onClick={verify} disabled={verdict.phase === 'checking'}>
          {verdict.phase === 'checking' ? 'Verifying…' : 'Verify signatures here'}
        </Button>
      </div>
      {verdict.phase === 'valid' ? (
        <Notice tone="good" title="Both signatures are valid.">
          Checked on this device, over exactly these fields.
        </Notice>
      ) : null}
      {verdict.phase === 'invalid' ? (
        <Notice tone="bad" title="Not valid.">
          {verdict.reason}
        </Notice>
      ) : null}
      <Facts
        facts={[
          { term: 'Version', value: body.v },
          { term: 'Receipt', value: hex(receipt.id) },
          { term: 'Task', value: taskName(body.kind), hint: body.kind },
          { term: 'Unit', value: hex(body.unit) },
          { term: 'Job', value: hex(body.job) },
          { term: 'Input', value: hex(body.input) },
          { term: 'Output', value: hex(body.output) },
          { term: 'Model', value: hex(body.model) },
          { term: 'Pixels', value: formatInteger(body.cost.pixels) },
          {
            term: 'Computed in',
            value: formatDuration(body.cost.computeMs),
            hint: 'As the worker measured it',
          },
          {
            term: 'Runtime',
            value: `${runtimeNames[body.cost.runtime]}, ${body.cost.threads === 1 ? '1 thread' : `${body.cost.threads} threads`}`,
          },
          { term: 'Worker', value: hex(body.worker.account), hint: hex(bytesToHex(body.worker.deviceKey)) },
          {
            term: 'Requester',
            value: hex(body.requester.account),
            hint: hex(bytesToHex(body.requester.deviceKey)),
          },
          { term: 'Worker signed', value: hex(bytesToHex(receipt.workerSignature)) },
          {
            term: 'Requester signed',
            value: receipt.requesterSignature ? hex(bytesToHex(receipt.requesterSignature)) : 'not yet',
          },
        ]}
      />
    </Dialog>
  );
};

const hex = (text: string): ReactNode => <span className="mono">{text}</span>;
