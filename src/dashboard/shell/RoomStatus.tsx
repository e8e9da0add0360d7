import type { RoomView } from '../../app/readModels.ts';
import { useApp, useStore } from '../hooks/useApp.ts';
import { useNavigate } from '../hooks/useNavigation.ts';
import { useNow } from '../hooks/useNow.ts';
import { IconButton } from '../kit/Button.tsx';
import { formatCount, formatCountdown } from '../kit/format.ts';

/** Room name and how the tab stands towards it, always in sight. */
export const RoomStatus = () => {
  const { models, commands } = useApp();
  const { go } = useNavigate();
  const room = useStore(models.room);
  const peers = useStore(models.peers);
  const alone = useStore(models.consent) === 'this-device-only';
  const { phase } = room.connection;
  return (
    <div className="room-status">
      <button type="button" className="room-name" onClick={() => go({ screen: 'swarm' })}>
        <span className={`dot dot-${phase}`} aria-hidden="true" />
        <strong className="clip">{room.name}</strong>
        <span className="quiet clip" role="status">
          {alone && phase === 'off' ? (
            'this device only'
          ) : (
            <ConnectionWords connection={room.connection} others={peers.length} />
          )}
        </span>
      </button>
      {phase === 'waiting' || (phase === 'off' && !alone) || phase === 'refused' ? (
        <IconButton icon="refresh" label="Reconnect" onClick={() => commands.reconnect()} />
      ) : null}
    </div>
  );
};

const ConnectionWords = ({
  connection,
  others,
}: {
  readonly connection: RoomView['connection'];
  readonly others: number;
}) => {
  switch (connection.phase) {
    case 'off':
      return 'not connected';
    case 'connecting':
      return connection.attempt > 1 ? `connecting, attempt ${connection.attempt}` : 'connecting…';
    case 'joined':
      return others === 0 ? 'nobody else yet' : formatCount(others, 'other');
    case 'waiting':
      return <RetryIn at={connection.retryAt} reason={connection.reason} />;
    case 'refused':
      return connection.reason;
    default:
      return connection satisfies never;
  }
};

const RetryIn = ({ at, reason }: { readonly at: number; readonly reason: string }) => {
  const { monotonic } = useNow(1000);
  return (
    <>
      {/* Hidden from the live region, or it would count aloud. */}
      <span aria-hidden="true">again in {formatCountdown(at - monotonic)}: </span>
      {reason}
    </>
  );
};
