import { lazy } from 'react';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { useNavigate } from '../../hooks/useNavigation.ts';
import { useRemovals } from '../../hooks/useRemovals.ts';
import { Button } from '../../kit/Button.tsx';
import { Empty } from '../../kit/Notice.tsx';
import { VillageMap } from '../../village/VillageMap.tsx';
import { JobList } from './JobList.tsx';
import { SubmitSheet } from './SubmitSheet.tsx';
import './read.css';

const JobScreen = lazy(async () => ({ default: (await import('./JobScreen.tsx')).JobScreen }));

export const ReadPanel = () => {
  const { view } = useNavigate();
  return view.item === undefined ? <ReadHome /> : <ReadJob id={view.item} />;
};

const ReadHome = () => {
  const { models } = useApp();
  const { go } = useNavigate();
  const self = useStore(models.self);
  const peers = useStore(models.peers);
  const limits = useStore(models.limits);
  const consent = useStore(models.consent);
  const shares = (consent === 'use-and-share' || consent === 'share-only') && !limits.paused;
  return (
    <div className="read-home">
      <section className="read-scene" aria-label="Swarm map">
        <VillageMap
          self={self}
          selfLit={shares}
          peers={peers}
          onSelect={(peer) => go(peer === self.peer ? { screen: 'device' } : { screen: 'swarm', item: peer })}
        />
      </section>
      <SubmitSheet />
      <JobList />
    </div>
  );
};

const ReadJob = ({ id }: { readonly id: string }) => {
  const { models } = useApp();
  const { go } = useNavigate();
  const { removed } = useRemovals();
  const job = useStore(models.jobs).find((entry) => entry.id === id);
  if (job && !removed.has(job.id)) return <JobScreen job={job} />;
  return (
    <div className="screen">
      <Empty
        title="This job is gone"
        action={<Button onClick={() => go({ screen: 'read' })}>All jobs</Button>}
      >
        It was deleted on this device.
      </Empty>
    </div>
  );
};
