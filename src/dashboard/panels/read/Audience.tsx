import { mayUseRoom } from '../../account/consents.ts';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { useNavigate } from '../../hooks/useNavigation.ts';
import { Button } from '../../kit/Button.tsx';
import { Switch } from '../../kit/Field.tsx';
import { formatCount } from '../../kit/format.ts';
import { Icon } from '../../kit/Icon.tsx';
import { PeerName } from '../../kit/Lantern.tsx';
import { readersOf } from './jobWords.ts';

/** Who will see the pages, said before anything is sent. */
export const Audience = ({
  alone,
  onAlone,
}: {
  readonly alone: boolean;
  readonly onAlone: (alone: boolean) => void;
}) => {
  const { models } = useApp();
  const { go } = useNavigate();
  const consent = useStore(models.consent);
  const readers = readersOf(useStore(models.peers));
  const room = mayUseRoom(consent);
  const shown = room && !alone ? readers : [];
  return (
    <div className="audience">
      <div className="audience-words">
        <Icon name={shown.length > 0 ? 'eye' : 'lock'} />
        <div>
          <p role="status">
            <strong>{audienceInWords(room, alone, readers.length)}</strong>
          </p>
          {shown.length > 0 ? (
            <ul className="audience-list" aria-label="Devices that will see these pages">
              {shown.map(({ status, sameAccount }) => (
                <li key={status.peer}>
                  <PeerName
                    peer={status.peer}
                    name={status.name}
                    size={18}
                    note={sameAccount ? 'yours' : undefined}
                  />
                </li>
              ))}
            </ul>
          ) : null}
          {room && !alone ? (
            <p className="quiet small">Devices that join while the job runs may see them too.</p>
          ) : null}
        </div>
      </div>
      {room && readers.length === 0 ? (
        <Button look="plain" icon="plus" onClick={() => go({ screen: 'swarm' })}>
          Invite a device
        </Button>
      ) : null}
      {room ? <Switch label="This device only" checked={alone} onChange={onAlone} /> : null}
    </div>
  );
};

const audienceInWords = (room: boolean, alone: boolean, readers: number): string => {
  if (!room) return 'Only this device sees your pages, as you chose.';
  if (alone) return 'These pages stay on this device.';
  if (readers === 0) return 'Nobody else reads here now: this device works alone.';
  return `${formatCount(readers, 'device')} in this room will see these pages`;
};
