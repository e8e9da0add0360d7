import { type FormEvent, useState } from 'react';
import type { RoomView } from '../../../app/readModels.ts';
import type { Result } from '../../../core/result.ts';
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

  const found = () => enter(() => commands.foundSwarm());
  const change = (target: string | undefined) => enter(() => commands.changeRoom(target));
  const enter = async (go: () => Promise<Result<void, string>>) => {
    setBusy(true);
    const result = await attempt(go);
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
      <div className="found-swarm">
        <h3>Private swarm</h3>
        <p className="quiet">
          In a private swarm you decide who takes part: you can remove people, let them back in and name
          helpers, and everybody can check what was decided.
        </p>
        <Button icon="lock" onClick={() => void found()} disabled={busy}>
          Found a private swarm
        </Button>
      </div>
    </Dialog>
  );
};
