import { type FormEvent, useState } from 'react';
import type { RoomView } from '../../../app/readModels.ts';
import { attempt } from '../../hooks/attempt.ts';
import { useApp } from '../../hooks/useApp.ts';
import { useNotify } from '../../hooks/useNotify.ts';
import { Button } from '../../kit/Button.tsx';
import { Dialog } from '../../kit/Dialog.tsx';
import { Field, TextInput } from '../../kit/Field.tsx';

/** Goes to another room, or opens a new one. */
export const RoomDialog = ({ room, onClose }: { readonly room: RoomView; readonly onClose: () => void }) => {
  const { commands, models } = useApp();
  const notify = useNotify();
  const [link, setLink] = useState('');
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);

  const change = async (target: string | undefined) => {
    setBusy(true);
    const result = await attempt(() => commands.changeRoom(target));
    setBusy(false);
    if (!result.ok) return setError(result.error);
    onClose();
    notify({ text: `You are in ${models.room.get().name} now.` });
  };
  const join = (event: FormEvent) => {
    event.preventDefault();
    if (link.trim() === '') setError('Paste the link of the room that you want to join.');
    else void change(link.trim());
  };

  return (
    <Dialog title="Change room" onClose={onClose}>
      <p className="quiet">
        You are in {room.name}. Jobs stay with you; devices of the old room get no more of their tasks.
      </p>
      <form className="account-form" onSubmit={join}>
        <Field label="Link of another room" error={error}>
          {(ids) => (
            <TextInput
              {...ids}
              inputMode="url"
              autoComplete="off"
              value={link}
              onChange={(event) => {
                setLink(event.currentTarget.value);
                setError(undefined);
              }}
            />
          )}
        </Field>
        <div className="bar">
          <Button onClick={() => void change(undefined)} disabled={busy}>
            Open a new room
          </Button>
          <span className="grow" />
          <Button look="primary" submit disabled={busy}>
            Join room
          </Button>
        </div>
      </form>
    </Dialog>
  );
};
