import type { RoomView } from '../../../app/readModels.ts';
import { copyText } from '../../hooks/saveFile.ts';
import { useNotify } from '../../hooks/useNotify.ts';
import { Button } from '../../kit/Button.tsx';
import { Dialog } from '../../kit/Dialog.tsx';
import { Field, TextInput } from '../../kit/Field.tsx';
import { QrCode } from '../../kit/QrCode.tsx';

/** The room's link in every form another device can take it. */
export const InviteDialog = ({
  room,
  closed,
  onClose,
}: {
  readonly room: RoomView;
  /** A private swarm: its founder decides who stays. */
  readonly closed: boolean;
  readonly onClose: () => void;
}) => {
  const notify = useNotify();
  const canShare = typeof navigator.share === 'function';
  const copy = async () =>
    notify(
      (await copyText(room.link))
        ? { text: 'Link copied.' }
        : { text: 'The browser refused the clipboard: select the link and copy it.', tone: 'bad' },
    );
  const share = async () => {
    try {
      await navigator.share({ title: `AIVillage: ${room.name}`, url: room.link });
    } catch {
      // Closing the share sheet is no failure.
    }
  };
  return (
    <Dialog title={`Invite to ${room.name}`} onClose={onClose}>
      <div className="invite">
        <QrCode text={room.link} label="QR code of the room link" />
        <div className="invite-words">
          <p className="quiet">
            Scan it with a phone, or open the link on another device. Whoever has the link can join
            {closed ? ', until the founder or an operator removes them' : ' this room'}; the server never
            learns it.
          </p>
          <Field label="Room link">
            {(ids) => (
              <TextInput
                {...ids}
                className="mono"
                readOnly
                value={room.link}
                onFocus={(event) => event.currentTarget.select()}
              />
            )}
          </Field>
          <div className="bar">
            <Button look="primary" icon="copy" onClick={copy}>
              Copy link
            </Button>
            {canShare ? (
              <Button icon="share" onClick={share}>
                Share…
              </Button>
            ) : null}
          </div>
        </div>
      </div>
    </Dialog>
  );
};
