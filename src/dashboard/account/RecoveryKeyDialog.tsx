import { useEffect, useState } from 'react';
import { copyText, saveFile } from '../hooks/saveFile.ts';
import { useApp, useStore } from '../hooks/useApp.ts';
import { useNotify } from '../hooks/useNotify.ts';
import { Button } from '../kit/Button.tsx';
import { Dialog } from '../kit/Dialog.tsx';
import { shortId } from '../kit/format.ts';
import { Notice } from '../kit/Notice.tsx';
import './account.css';

type Reveal =
  | { readonly phase: 'loading' }
  | { readonly phase: 'shown'; readonly key: string }
  | { readonly phase: 'gone' };

/** Shows the account's recovery key until the person says that it is saved. */
export const RecoveryKeyDialog = ({ onClose }: { readonly onClose: () => void }) => {
  const { models, commands, timers } = useApp();
  const notify = useNotify();
  const { account } = useStore(models.self);
  const [reveal, setReveal] = useState<Reveal>({ phase: 'loading' });
  useEffect(() => {
    let current = true;
    const show = (key: string | undefined) => {
      if (current) setReveal(key === undefined ? { phase: 'gone' } : { phase: 'shown', key });
    };
    commands.revealRecoveryKey().then(show, () => show(undefined));
    return () => {
      current = false;
    };
  }, [commands]);

  const confirm = async () => {
    await commands.confirmRecoveryKeySaved();
    onClose();
    notify({ text: 'Saved. This device no longer holds the recovery key.' });
  };

  return (
    <Dialog title="Your recovery key" onClose={onClose}>
      <p className="quiet">
        The only way to bring your account and its credits to another device. Keep it like a house key:
        whoever has it is you.
      </p>
      {reveal.phase === 'loading' ? <p role="status">Opening…</p> : null}
      {reveal.phase === 'gone' ? (
        <Notice title="The key is not on this device any more">
          It was shown once and then forgotten here. If you saved it, nothing is lost.
        </Notice>
      ) : null}
      {reveal.phase === 'shown' ? (
        <>
          <output className="recovery-key" aria-label="Recovery key">
            {reveal.key}
          </output>
          <div className="bar">
            <Button
              icon="copy"
              onClick={async () =>
                notify(
                  (await copyText(reveal.key))
                    ? { text: 'Recovery key copied.' }
                    : { text: 'The browser refused the clipboard: select the key and copy it.', tone: 'bad' },
                )
              }
            >
              Copy key
            </Button>
            <Button
              icon="download"
              onClick={() =>
                saveFile(
                  timers,
                  recoveryFile(account, reveal.key),
                  `aivillage-recovery-${account.slice(0, 8)}.txt`,
                )
              }
            >
              Download key
            </Button>
            <span className="grow" />
            <Button look="primary" onClick={confirm}>
              I saved it
            </Button>
          </div>
          <p className="small quiet">Account {shortId(account)}</p>
        </>
      ) : null}
    </Dialog>
  );
};

const recoveryFile = (account: string, key: string): Blob =>
  new Blob(
    [
      `AIVillage recovery key\naccount ${account}\n\n${key}\n\nWhoever has this key is you. Keep it offline.\n`,
    ],
    {
      type: 'text/plain',
    },
  );
