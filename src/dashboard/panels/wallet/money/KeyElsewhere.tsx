import { useState } from 'react';
import { Button } from '../../../kit/Button.tsx';
import { Notice } from '../../../kit/Notice.tsx';
import { MoveWalletDialog } from './MoveWalletDialog.tsx';

/** Why nothing can be signed here, on every tab, and the way to change that. */
export const KeyElsewhere = () => {
  const [moving, setMoving] = useState(false);
  return (
    <>
      <Notice
        tone="warn"
        icon="lock"
        title="Another device signs for this account."
        action={<Button onClick={() => setMoving(true)}>Move the wallet here</Button>}
      >
        You see everything here, but only one device can sign at a time. Send, vote and offer from that one,
        or move the wallet here with your recovery key.
      </Notice>
      {moving ? <MoveWalletDialog onClose={() => setMoving(false)} /> : null}
    </>
  );
};
