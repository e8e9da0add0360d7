import type { Store, WritableStore } from '../core/events.ts';
import type { CryptoPort } from '../core/ports/crypto.ts';
import type { Random } from '../core/ports/random.ts';
import { err, fault, ok, type Result } from '../core/result.ts';
import {
  createRoom,
  formatRoomLink,
  foundSwarm,
  type IdentityKeeper,
  parseRoomLink,
  type Room,
} from '../identity/index.ts';
import type { FederatedInferenceCoordinator, InferenceRequest } from '../inference/contracts.ts';
import { verifyReceipt } from '../inference/receipts.ts';
import type { Installer } from '../platform/browser/install.ts';
import { permissionsOf } from './consent.ts';
import type { CreditBook } from './credits.ts';
import type { Device } from './device.ts';
import { jobToJson, jobToText } from './exportJob.ts';
import type {
  Commands,
  LedgerCommands,
  LogEntry,
  ModelCommands,
  PublicWorkCommands,
  ReadModels,
} from './readModels.ts';
import { keptRoom } from './rooms.ts';
import { loadSamples } from './samples.ts';
import type { SettingsKeeper } from './settings.ts';

export type CommandDeps = {
  readonly settings: SettingsKeeper;
  readonly identity: IdentityKeeper;
  readonly device: Device;
  readonly coordinator: FederatedInferenceCoordinator;
  readonly credits: CreditBook;
  readonly installer: Installer;
  readonly crypto: CryptoPort;
  readonly random: Random;
  readonly log: Store<readonly LogEntry[]>;
  readonly self: WritableStore<ReturnType<ReadModels['self']['get']>>;
  /** Starts or stops meeting others, as the consent now says. */
  readonly applyConsent: () => void;
  readonly reconnect: () => void;
  readonly administer: Commands['administer'];
  readonly publishStatus: () => void;
  readonly modelCommands: ModelCommands;
  readonly ledgerCommands: LedgerCommands;
  readonly publicWorkCommands: PublicWorkCommands;
};

/** What a person can ask of the app. Each is one action; errors are words to show. */
export const createCommands = (deps: CommandDeps): Commands => {
  const { settings, identity, device, coordinator } = deps;

  const audienceOf = (asked: InferenceRequest['audience'] | undefined): InferenceRequest['audience'] =>
    permissionsOf(settings.store.get().consent).useOthers ? (asked ?? 'room') : 'alone';

  const openRoom = async (room: Room): Promise<Result<void, string>> => {
    await settings.change(keptRoom(room));
    goToRoom(room);
    return ok(undefined);
  };

  return {
    ...deps.modelCommands,
    ...deps.ledgerCommands,
    ...deps.publicWorkCommands,
    async chooseConsent(consent) {
      const before = permissionsOf(settings.store.get().consent);
      await settings.change({ consent });
      // Leaving for good drops every link at once; only a fresh page is sure to hold none.
      if (before.network && !permissionsOf(consent).network) location.reload();
      deps.applyConsent();
      deps.publishStatus();
    },
    setTheme: (theme) => settings.change({ theme }),
    async setLimits(limits) {
      device.limits.set(limits);
      await settings.change({ limits });
      deps.publishStatus();
    },
    async rename(name) {
      const trimmed = name.trim().slice(0, 40);
      if (trimmed === '') return;
      await settings.change({ name: trimmed });
      deps.self.update((self) => ({ ...self, name: trimmed }));
      deps.publishStatus();
    },
    async changeRoom(link) {
      const room = link === undefined ? ok(createRoom(deps.random)) : parseRoomLink(link);
      if (!room.ok) return err(room.error.message);
      return openRoom(room.value);
    },
    async foundSwarm() {
      const room = foundSwarm(deps.random, identity.identity.account);
      return room.ok ? openRoom(room.value) : err(room.error.message);
    },
    administer: deps.administer,
    reconnect: deps.reconnect,

    async submitImages(files, audience, budget, strategy) {
      if (files.length === 0)
        return err(fault('empty', 'There was no file among what you gave. Choose images.'));
      const pages = files.map((file) => ({ name: file.name || 'pasted image', file }));
      return coordinator.submitInferenceRequest({
        kind: 'ocr',
        pages,
        audience: audienceOf(audience),
        ...(budget === undefined ? {} : { budget }),
        ...(strategy === undefined ? {} : { strategy }),
      });
    },
    cancelJob: (job) => coordinator.cancelRequest(job),
    removeJob: (job) => coordinator.removeJob(job),
    pageFile: (job, page) => coordinator.getPageFile(job, page),
    async exportJob(job, format) {
      const view = coordinator.getRequestStatus(job);
      if (!view) return undefined;
      return format === 'txt'
        ? new Blob([jobToText(view)], { type: 'text/plain;charset=utf-8' })
        : new Blob([jobToJson(view)], { type: 'application/json' });
    },
    loadSamples,

    async measureSpeed() {
      await device.engine.measure({ urgent: true });
      deps.publishStatus();
    },
    revealRecoveryKey: async () => identity.revealRecoveryKey(),
    async confirmRecoveryKeySaved() {
      await identity.confirmRecoveryKeySaved();
      deps.self.update((self) => ({ ...self, recoveryKeyPending: false }));
    },
    async restoreAccount(recoveryKey) {
      const restored = await identity.restoreAccount(recoveryKey);
      if (!restored.ok) return err(restored.error.message);
      location.reload(); // every peer must see the new credentials
      return ok(undefined);
    },

    exportReceipts: async () => toJsonBlob(deps.credits.view.get().receipts.map(({ receipt }) => receipt)),
    async verifyReceipt(id) {
      const found = deps.credits.view.get().receipts.find(({ receipt }) => receipt.id === id);
      if (!found) return err('This receipt is not stored here.');
      const verified = await verifyReceipt(found.receipt, deps.crypto);
      return verified.ok ? ok(undefined) : err(verified.error.message);
    },
    downloadLog: async () => toJsonBlob(deps.log.get()),
    install: () => deps.installer.install(),
    applyUpdate: () => deps.installer.applyUpdate(),
  };
};

/** Another room is another network: the page starts anew there, and unfinished jobs go on. */
const goToRoom = (room: Room): void => {
  history.replaceState(history.state, '', formatRoomLink(location.href, room));
  location.reload();
};

/** Bytes as base64, so that the file is JSON anybody can read. */
const toJsonBlob = (value: unknown): Blob => {
  const replacer = (_key: string, member: unknown) =>
    member instanceof Uint8Array ? btoa(String.fromCharCode(...member)) : member;
  return new Blob([JSON.stringify(value, replacer, 2)], { type: 'application/json' });
};
