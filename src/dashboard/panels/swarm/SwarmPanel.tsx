import { useState } from 'react';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { useNavigate } from '../../hooks/useNavigation.ts';
import { Button } from '../../kit/Button.tsx';
import { formatCount } from '../../kit/format.ts';
import { Empty } from '../../kit/Notice.tsx';
import { VillageMap } from '../../village/VillageMap.tsx';
import { InviteDialog } from './InviteDialog.tsx';
import { Neighborhood } from './Neighborhood.tsx';
import { PeerDialog } from './PeerDialog.tsx';
import { PeerTable } from './PeerTable.tsx';
import { PrivateSwarm } from './PrivateSwarm.tsx';
import { Refusals } from './Refusals.tsx';
import { RoomDialog } from './RoomDialog.tsx';
import './swarm.css';
import './privateSwarm.css';

export const SwarmPanel = () => {
  const { models } = useApp();
  const { view, go, replace } = useNavigate();
  const self = useStore(models.self);
  const peers = useStore(models.peers);
  const room = useStore(models.room);
  const limits = useStore(models.limits);
  const consent = useStore(models.consent);
  const swarm = useStore(models.swarm);
  const [dialog, setDialog] = useState<'invite' | 'room'>();
  const open = peers.filter((peer) => peer.status.accepts.open).length;
  const chosen = peers.find((peer) => peer.status.peer === view.item);
  const shares = (consent === 'use-and-share' || consent === 'share-only') && !limits.paused;
  return (
    <div className="swarm">
      <section className="swarm-scene" aria-label="Swarm map">
        <VillageMap
          self={self}
          selfLit={shares}
          peers={peers}
          large
          selected={view.item}
          onSelect={(peer) => go(peer === self.peer ? { screen: 'device' } : { screen: 'swarm', item: peer })}
        />
        <div className="swarm-title">
          <h1>{room.name}</h1>
          <p>
            {peers.length === 0
              ? 'Only your lantern is lit.'
              : `${formatCount(peers.length + 1, 'device')}; ${open} ${open === 1 ? 'other works' : 'others work'} for the room.`}
          </p>
        </div>
        <div className="swarm-actions">
          <Button look="primary" icon="plus" onClick={() => setDialog('invite')}>
            Invite a device
          </Button>
          <Button icon="link" onClick={() => setDialog('room')}>
            Change room
          </Button>
        </div>
      </section>
      <div className="screen">
        <section className="section" aria-labelledby="peers-title">
          <h2 id="peers-title">Devices</h2>
          {swarm?.ownRemoval ? (
            <Empty
              title="You are not in this swarm any more"
              action={<Button onClick={() => setDialog('room')}>Go to another room</Button>}
            >
              Nobody here is linked with this device until somebody lets you back in.
            </Empty>
          ) : consent === 'this-device-only' ? (
            <Empty
              title="You chose this device only"
              action={<Button onClick={() => go({ screen: 'device' })}>Change who reads</Button>}
            >
              This page meets nobody until you choose otherwise.
            </Empty>
          ) : peers.length === 0 ? (
            <Empty
              title="Nobody else is here yet"
              action={
                <Button icon="qr" onClick={() => setDialog('invite')}>
                  Show link and QR code
                </Button>
              }
            >
              Open this room’s link in another tab, browser or phone: within a few seconds its lantern lights
              up here.
            </Empty>
          ) : (
            <PeerTable peers={peers} swarm={swarm} onOpen={(peer) => go({ screen: 'swarm', item: peer })} />
          )}
        </section>
        {swarm ? <PrivateSwarm swarm={swarm} room={room} /> : null}
        {peers.length > 0 ? <Neighborhood /> : null}
        <Refusals />
      </div>
      {dialog === 'invite' ? (
        <InviteDialog room={room} closed={swarm !== undefined} onClose={() => setDialog(undefined)} />
      ) : null}
      {dialog === 'room' ? <RoomDialog room={room} onClose={() => setDialog(undefined)} /> : null}
      {chosen ? (
        <PeerDialog peer={chosen} swarm={swarm} onClose={() => replace({ screen: 'swarm' })} />
      ) : null}
    </div>
  );
};
