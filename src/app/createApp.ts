import { createBoundedMap } from '../core/boundedMap.ts';
import { type AccountId, milliseconds } from '../core/brand.ts';
import { createStore, follow } from '../core/events.ts';
import { err } from '../core/result.ts';
import { formatRoomLink, openIdentity } from '../identity/index.ts';
import type { NodeStatus } from '../inference/contracts.ts';
import { createFederatedInferenceCoordinator, statusMethod } from '../inference/index.ts';
import type { P2PCoordinator } from '../mesh/index.ts';
import type { MetricsRegistry } from '../observability/index.ts';
import { createIdentityStore } from '../platform/browser/identityStore.ts';
import { createInstaller } from '../platform/browser/install.ts';
import { createJobStore, createReceiptArchive, createReceiptOutbox } from '../platform/browser/jobStore.ts';
import { watchNetwork } from '../platform/browser/network.ts';
import { askForPersistence } from '../platform/browser/persistence.ts';
import { createBrowserRtc } from '../platform/browser/rtc.ts';
import { createSealing } from '../platform/browser/sealing.ts';
import { createBrowserSettings } from '../platform/browser/settings.ts';
import { openBrowserSocket } from '../platform/browser/socket.ts';
import { admissionTopics, type Order, openOrder, openRoom } from './admission.ts';
import { createCommands } from './commands.ts';
import { permissionsOf } from './consent.ts';
import { createCreditBook } from './credits.ts';
import { defaultLimits } from './defaults.ts';
import { modelsByTask, openDevice, unknownProfile } from './device.ts';
import { readFlags } from './flags.ts';
import { createLateLedger } from './ledger/lateLedger.ts';
import { pageCostsOf } from './ledger/readingCost.ts';
import { openModels } from './models.ts';
import { defaultDeviceName } from './names.ts';
import { createNetwork } from './network.ts';
import { createNetworkView } from './networkView.ts';
import { capabilitiesOf, encodeStatus, readStatus } from './nodeRecord.ts';
import { createPeersView } from './peersView.ts';
import { openPlatform } from './platform.ts';
import { createPresence } from './presence.ts';
import { createLatePublicWork } from './publicWork/latePublicWork.ts';
import type { AppModel, RoomView, SelfView } from './readModels.ts';
import { keepReceipts } from './receiptKeeping.ts';
import { chooseRoom, keptRoom } from './rooms.ts';
import { createRoster } from './roster.ts';
import { openSettings, type Settings } from './settings.ts';
import { createHealthInput } from './telemetry/healthInput.ts';
import { createLateTelemetry } from './telemetry/lateTelemetry.ts';
import { vitalsTopics } from './telemetry/swarmTopic.ts';
import type { TelemetryCommands, TelemetrySettings } from './telemetryView.ts';

/** What it costs to give work to somebody who is not linked yet. */
const linkSetup = milliseconds(1_500);

/** What the dashboard reads, and the swarm itself for whoever builds on this page (docs/p2p.md). */
export type App = AppModel & {
  readonly p2p: P2PCoordinator<NodeStatus>;
  /** What is measured, and its switches: docs/telemetry.md. */
  readonly telemetry: {
    settings(): TelemetrySettings;
    readonly set: TelemetryCommands['setTelemetry'];
    readonly snapshot: MetricsRegistry['snapshot'];
  };
};

const rememberedNames = 500;
const refreshEvery = milliseconds(1_000);
/** What looks after the page is loaded when the page stands. */
const watchAfter = milliseconds(1_500);
/**
 * Joining comes first: what a tab is goes round at once, how fast it is follows when nobody has joined for this long.
 * Ten tabs of one machine that measured while others still arrive would take its cores from them.
 */
const measureWhenQuietFor = milliseconds(10_000);

/** The composition root: opens this device, its identity and its room, and joins the domains. Knows everybody. */
export const createApp = async (): Promise<App> => {
  const platform = await openPlatform();
  const { clock, timers, random, crypto, telemetry, store } = platform;
  const flags = readFlags(location.search);
  const build = __BUILD__;
  const settings = await openSettings({ port: createBrowserSettings<Settings>(), telemetry });
  const identity = await openIdentity({ ...platform, store: createIdentityStore(store) });
  const { account, device: deviceId, peer } = identity.identity;
  const permissions = () => permissionsOf(settings.store.get().consent);

  const device = openDevice(platform, {
    flags,
    limits: settings.store.get().limits ?? defaultLimits(navigator.hardwareConcurrency),
  });
  const installer = createInstaller();
  const bench = openModels({
    ...platform,
    profile: device.profile,
    limits: device.limits,
    anyGpu: flags.runtime === 'webgpu',
  });

  const { room, problem } = chooseRoom({ hash: location.hash, last: settings.store.get() }, random);
  if (problem) telemetry.log('warn', 'room', `${problem}. Another room was opened instead.`);
  await settings.change(keptRoom(room));
  const link = formatRoomLink(location.href, room);
  history.replaceState(history.state, '', `${location.search}${new URL(link).hash}`);
  // Somebody pastes another room's link into this tab: that is another room, so another page.
  addEventListener('hashchange', () => location.reload());

  let order: Order | undefined;
  const network = createNetwork<NodeStatus>(
    {
      ...platform,
      identity: identity.identity,
      openSocket: openBrowserSocket,
      rtc: createBrowserRtc({ use: flags.links !== 'carried' }),
      sealing: createSealing(),
      record: {
        own() {
          const status = ownStatus();
          return { capabilities: capabilitiesOf(status), about: encodeStatus(status) };
        },
        read(about, from) {
          const refused = order?.refuses(from.account);
          return refused ? err(refused) : readStatus(about, from);
        },
      },
    },
    {
      room,
      build,
      topics: { ...vitalsTopics, ...(room.founder === undefined ? {} : admissionTopics) },
      signalUrl: `${location.origin.replace(/^http/, 'ws')}/signal`,
      ...(flags.meshProtocol === undefined ? {} : { protocol: flags.meshProtocol }),
    },
  );
  const { overlay, rpc, signaling, directory } = network;
  order = await openOrder({ ...platform, identity: identity.identity, network }, room);
  const roster = createRoster({ overlay, directory });

  const self = createStore<SelfView>({
    peer,
    account,
    device: deviceId,
    build,
    name: settings.store.get().name ?? defaultDeviceName(deviceId),
    profile: device.profile.get(),
    engine: { phase: 'idle', progress: 0, choice: undefined, error: undefined },
    recoveryKeyPending: identity.recoveryKeyPending(),
    durable: identity.durable,
  });
  const availability = (): NodeStatus['accepts'] => {
    if (!permissions().shareMine) return { open: false, reason: 'this device works for its owner only' };
    const { slots, reason } = device.engine.availability();
    return slots > 0 ? { open: true } : { open: false, reason: reason ?? 'busy' };
  };
  /** Whoever has gone is still called what he was called. */
  const namesByAccount = createBoundedMap<AccountId, string>(rememberedNames);
  const nameOf = (other: AccountId) => namesByAccount.get(other);
  const credits = createCreditBook({ account, nameOf });
  const ledger = createLateLedger({
    ...platform,
    identity: identity.identity,
    network,
    nameOf,
    receipts: credits.all,
    onOrders: (jobs) => void settleEnded(jobs),
    pageCosts: () => pageCostsOf(coordinator.jobs.get()),
  });
  const coordinator = createFederatedInferenceCoordinator({
    ...platform,
    self: identity.identity,
    engine: device.engine,
    rpc,
    jobStore: createJobStore(store),
    receiptStore: createReceiptOutbox(store),
    models: modelsByTask,
    name: () => self.get().name,
    mayServe: availability,
    mayUseOthers: () => permissions().useOthers,
    identityOf: roster.identityOf,
    rtt: (other) => (overlay.stats(other) ? overlay.stats(other)?.rtt : linkSetup),
    priceGate: ledger.payments,
  });
  /** A tab that closed when its job ended has not paid for it: the next one does. */
  const settleEnded = (jobs: readonly string[]) => {
    for (const { id, state } of coordinator.jobs.get())
      if (jobs.includes(id) && ['done', 'cancelled', 'failed'].includes(state.phase))
        ledger.payments.ended(id);
  };

  const publicWork = createLatePublicWork({
    ...platform,
    engine: device.engine,
    opened: ledger.opened,
    forbidden: () =>
      permissions().shareMine
        ? undefined
        : 'this device works for its owner only: choose under “This device” to share',
    busy() {
      if (coordinator.jobs.get().some(({ state }) => ['preparing', 'running'].includes(state.phase)))
        return 'a job of your own is running';
      if (coordinator.queued() > 0) return 'it works for somebody here';
      return device.engine.availability().reason;
    },
  });
  const peersView = createPeersView({
    self: { account, device: deviceId },
    clock,
    timers,
    link: (other) => {
      const stats = overlay.stats(other);
      return stats && { ...stats, neighbor: overlay.neighbors().includes(other) };
    },
    recordOf: (other) => directory.records.get().get(other),
    peerWork: (other) => coordinator.peerWork(other),
  });
  follow(peersView.peers, (peers) => {
    for (const { status } of peers) {
      if (namesByAccount.get(status.account) === status.name) continue;
      namesByAccount.set(status.account, status.name);
      ledger.refresh();
    }
  });
  coordinator.receipts(
    await keepReceipts({ archive: createReceiptArchive(store), book: credits, telemetry }),
  );

  const ownStatus = (): NodeStatus => {
    const choice = device.engine.state.get().choice;
    return {
      peer,
      account,
      device: deviceId,
      name: self.get().name,
      build,
      profile: device.profile.get() ?? unknownProfile,
      accepts: availability(),
      slots: permissions().shareMine ? device.engine.slots() : 0,
      queued: coordinator.queued(),
      speeds: choice?.measured ?? [],
      runtime: choice?.chosen,
      models: modelsByTask,
    };
  };
  const presence = createPresence({
    overlay,
    rpc,
    method: statusMethod,
    timers,
    telemetry,
    ownStatus,
    onStatus: roster.told,
  });
  roster.changes((change) => {
    if (change.kind === 'heard') coordinator.registerNode(change.status);
    else coordinator.removeNode(change.peer, change.reason);
    peersView.heardRoster(change);
  });
  overlay.changes(peersView.heardLink);
  const publishStatus = () => {
    presence.publish();
    directory.publish();
  };

  follow(device.engine.state, ({ phase, progress, choice, error }) => {
    const before = self.get().engine.choice;
    self.update((current) => ({ ...current, engine: { phase, progress, choice, error: error?.message } }));
    if (choice !== before) publishStatus();
  });
  follow(device.profile, (profile) => {
    self.update((current) => ({ ...current, profile }));
    publishStatus();
  });

  const roomView = createStore<RoomView>({ link, name: room.name, connection: signaling.state.get() });
  follow(signaling.state, (connection) => roomView.update((current) => ({ ...current, connection })));
  const swarm = order?.show({ ownName: self, peers: peersView.peers, room: roomView }) ?? openRoom;
  let cancelMeasuring = () => {};
  const measureWhenQuiet = () => {
    cancelMeasuring();
    if (!permissions().shareMine || device.engine.state.get().choice) return;
    cancelMeasuring = timers.after(measureWhenQuietFor, () => void device.engine.measure());
  };
  overlay.changes(({ kind }) => kind === 'up' && measureWhenQuiet());
  const applyConsent = () => {
    if (permissions().network && !swarm.hasLeft()) {
      signaling.start();
      ledger.start();
    }
    measureWhenQuiet();
    // Asked when somebody has decided to take part: keys and receipts should outlast a full disk.
    if (permissions().network) void askForPersistence();
  };
  applyConsent();
  watchNetwork(() => {
    if (permissions().network) signaling.probe();
    overlay.networkChanged();
  });
  addEventListener('pagehide', () => network.close());
  // Back from the browser's cache of pages: this one has said goodbye to everybody.
  addEventListener('pageshow', ({ persisted }) => persisted && location.reload());

  const metrics = createStore(coordinator.getSystemMetrics());
  const watching = createLateTelemetry(
    {
      telemetry,
      load: async () => (await import('./telemetry/browserTelemetry.ts')).openBrowserTelemetry,
    },
    settings.store.get().telemetry,
  );
  const networkView = createNetworkView({ clock, statistics: network.p2p.getNetworkStatistics });
  timers.every(refreshEvery, () => {
    peersView.refresh();
    networkView.refresh();
    metrics.set(coordinator.getSystemMetrics());
  });
  const consent = createStore(settings.store.get().consent);
  const theme = createStore(settings.store.get().theme ?? 'system');
  settings.store.subscribe((current) => {
    consent.set(current.consent);
    theme.set(current.theme ?? 'system');
  });
  // What is resumed is traced from its beginning, too.
  const traced = settings.store.get().consent === undefined ? Promise.resolve() : telemetry.ready;
  void traced
    .catch((cause: unknown) => telemetry.log('warn', 'telemetry', `no traces in this tab: ${String(cause)}`))
    .then(() => coordinator.resumeStoredJobs());
  const healthInput = createHealthInput({
    clock,
    device,
    installer,
    connection: signaling.state.get,
    networkWanted: () => permissions().network,
    peers: peersView.peers.get,
    durable: identity.durable,
  });
  /** Nothing is watched before the person has chosen; and the page itself comes first. */
  const watch = () => {
    if (settings.store.get().consent === undefined) return;
    platform.startTracing();
    timers.after(watchAfter, () =>
      watching.start({
        ...platform,
        settings,
        room: room.id,
        origin: deviceId.slice(0, 16),
        self: peer,
        build,
        rpc,
        broadcast: network.broadcast,
        statistics: network.p2p.getNetworkStatistics,
        connection: signaling.state,
        device: {
          profile: device.profile,
          queued: coordinator.queued,
          tasksRunning: () => metrics.get().tasksRunning,
          ledgerHeight: () => {
            const view = ledger.view.get();
            return view.phase === 'open' ? view.chain.height : undefined;
          },
          ledgerBehind() {
            const view = ledger.view.get();
            if (view.phase === 'opening') return view.progress && view.progress.total - view.progress.done;
            return view.phase === 'open' ? 0 : undefined;
          },
        },
        nameOf: (other) =>
          other === peer
            ? self.get().name
            : peersView.peers.get().find(({ status }) => status.peer === other)?.status.name,
        health: healthInput,
        ledger() {
          const view = ledger.view.get();
          return { phase: view.phase, reason: 'reason' in view ? view.reason : undefined };
        },
        repairs: {
          reconnect: () => signaling.retryNow(),
          rebuildLinks: () => overlay.networkChanged(),
          restartWorkers: () => device.engine.restartWorkers(),
          leaveGpu: (why) => device.engine.leaveGpu(why),
        },
      }),
    );
  };
  watch();

  return {
    clock,
    timers,
    p2p: network.p2p,
    telemetry: {
      settings: watching.models.settings.get,
      set: watching.commands.setTelemetry,
      snapshot: telemetry.metrics.snapshot,
    },
    models: {
      self,
      consent,
      theme,
      limits: device.limits,
      room: roomView,
      peers: peersView.peers,
      swarm: swarm.view,
      network: networkView.view,
      refusals: peersView.refusals,
      jobs: coordinator.jobs,
      credits: credits.view,
      metrics,
      telemetry: watching.models,
      install: installer.state,
      bench: bench.view,
      ledger: ledger.view,
      publicWork: publicWork.view,
    },
    commands: createCommands({
      settings,
      identity,
      device,
      coordinator,
      credits,
      installer,
      crypto,
      random,
      self,
      telemetryCommands: watching.commands,
      applyConsent() {
        applyConsent();
        watch();
      },
      administer: swarm.administer,
      modelCommands: bench.commands,
      ledgerCommands: ledger.commands,
      publicWorkCommands: publicWork.commands,
      reconnect: () => (swarm.hasLeft() ? location.reload() : signaling.retryNow()),
      publishStatus() {
        publishStatus();
        coordinator.reconsider();
      },
    }),
  };
};
