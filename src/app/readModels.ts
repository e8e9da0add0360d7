/**
 * What the dashboard may read and do: stores to watch and commands to give. The dashboard knows nothing else of the
 * app, so this file is its whole contract.
 */
import type { CompareSettings, Recipe } from '../../workers/protocol.ts';
import type { DeviceProfile, RuntimeChoice, ShareLimits } from '../compute/contracts.ts';
import type { AccountId, DeviceId, JobId, MilliCredits, Milliseconds, PeerId } from '../core/brand.ts';
import type { Store } from '../core/events.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Timers } from '../core/ports/timers.ts';
import type { Result } from '../core/result.ts';
import type {
  InferenceMetrics,
  InferenceRequest,
  JobView,
  NodeStatus,
  SubmitError,
  WorkReceipt,
} from '../inference/contracts.ts';
import type { Way } from '../mesh/index.ts';
import type { LedgerCommands, LedgerView, StrategyName } from './ledgerView.ts';
import type { ModelsView } from './modelsView.ts';
import type { PublicWorkCommands, PublicWorkView } from './publicWorkView.ts';
import type { TelemetryCommands, TelemetryModels } from './telemetryView.ts';

export type {
  CompareSettings,
  InputSpec,
  ModelComparison,
  ModelDescription,
  OnnxDescription,
  OutputDifference,
  QuantizedModel,
  QuantizeProgress,
  Recipe,
  RecipePlan,
  SafetensorsDescription,
} from '../../workers/protocol.ts';
export type {
  DeviceProfile,
  GpuProfile,
  MeasuredSpeed,
  RuntimeChoice,
  RuntimeKind,
  ShareLimits,
} from '../compute/contracts.ts';
export type {
  InferenceMetrics,
  InferenceRequest,
  JobState,
  JobView,
  LineView,
  NodeStatus,
  PageView,
  ReceiptBody,
  SubmitError,
  WorkReceipt,
  WorkShare,
} from '../inference/contracts.ts';
export type {
  BlockSummary,
  ChainView,
  EpochView,
  ExplorerFact,
  ExplorerItem,
  GovernanceAction,
  GovernanceView,
  HistoryEntry,
  JobPaymentView,
  KeeperChangeAction,
  KeeperChangeView,
  KeeperView,
  LedgerCommands,
  LedgerView,
  MarketClassView,
  MarketView,
  OfferView,
  OpenLedgerView,
  OrderView,
  ParameterView,
  Party,
  PendingView,
  ProposalView,
  ReadingEstimate,
  StrategyName,
  Verification,
  WalletView,
} from './ledgerView.ts';
export type { ModelsView, RuntimeCheck } from './modelsView.ts';
export type {
  EarningsView,
  ListingRunView,
  ListingView,
  OfferedPagesView,
  OpenPublicWorkView,
  PublicWorkCommands,
  PublicWorkView,
  WorkerView,
} from './publicWorkView.ts';
export type { TelemetryCommands, TelemetryModels };

/** First-visit answer; `undefined` until the person chose. */
export type Consent = 'use-and-share' | 'use-only' | 'share-only' | 'this-device-only';

export type ThemeChoice = 'system' | 'light' | 'dark';

export type SelfView = {
  readonly peer: PeerId;
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly name: string;
  readonly build: string;
  readonly profile: DeviceProfile | undefined;
  /** Models loading, runtime chosen and why. */
  readonly engine: {
    readonly phase: 'idle' | 'loading' | 'ready' | 'failed';
    readonly progress: number;
    readonly choice: RuntimeChoice | undefined;
    readonly error: string | undefined;
  };
  /** Whether the recovery key still waits to be saved by the person. */
  readonly recoveryKeyPending: boolean;
  /** Whether keys and jobs survive this tab; false in private windows. */
  readonly durable: boolean;
};

export type RoomView = {
  /** The full link to give away, with the room's secret in its fragment. */
  readonly link: string;
  /** "Quiet Harbour": two words from the room id, so that people can tell rooms apart. */
  readonly name: string;
  readonly connection:
    | { readonly phase: 'off' }
    | { readonly phase: 'connecting'; readonly attempt: number }
    | { readonly phase: 'joined' }
    | { readonly phase: 'waiting'; readonly retryAt: Milliseconds; readonly reason: string }
    | { readonly phase: 'refused'; readonly reason: string };
};

export type SwarmRole = 'founder' | 'operator' | 'keeper';

export type SwarmPerson = {
  readonly account: AccountId;
  /** What it is called now, or was when somebody acted on it. */
  readonly name: string | undefined;
  readonly own: boolean;
  readonly founder: boolean;
};

/** What this person may do to somebody, now. */
export type SwarmPowers = {
  readonly remove: boolean;
  readonly grant: readonly ('operator' | 'keeper')[];
  readonly withdraw: readonly ('operator' | 'keeper')[];
};

export type SwarmMember = {
  readonly who: SwarmPerson;
  readonly roles: readonly SwarmRole[];
  readonly here: boolean;
  readonly powers: SwarmPowers;
};

/** What somebody asks for. `called`: the name it is known by here, for the log. */
export type Administration =
  | {
      readonly t: 'grant' | 'withdraw';
      readonly account: AccountId;
      readonly role: 'operator' | 'keeper';
      readonly called?: string | undefined;
    }
  | {
      readonly t: 'remove';
      readonly account: AccountId;
      readonly reason: string;
      readonly called?: string | undefined;
    }
  | { readonly t: 'readmit'; readonly account: AccountId; readonly called?: string | undefined }
  | { readonly t: 'rename'; readonly name: string };

/** One entry of the audit log: its signature, its place in its chain and its author's token hold. */
export type SwarmAct = {
  readonly id: string;
  /** Unix ms by the swarm's clock. */
  readonly at: number;
  readonly by: SwarmPerson;
  readonly deed: Administration;
  readonly about: SwarmPerson | undefined;
  /** Why it has no effect; undefined if it has. */
  readonly whyVoid: string | undefined;
};

/** A private swarm: who may what, who was sent away, and the log that says so. */
export type PrivateSwarmView = {
  readonly founder: SwarmPerson;
  readonly ownRoles: readonly SwarmRole[];
  /** Unix ms until which this device can prove a role; 0: it has nothing to prove, or can't now. */
  readonly provenUntil: number;
  readonly mayRename: boolean;
  /** Everybody who is here or has a role, this person too. */
  readonly members: readonly SwarmMember[];
  readonly removed: readonly {
    readonly who: SwarmPerson;
    readonly by: SwarmPerson;
    readonly reason: string;
    readonly at: number;
    readonly mayReturn: boolean;
  }[];
  readonly ownRemoval: { readonly by: SwarmPerson; readonly reason: string; readonly at: number } | undefined;
  /** Newest first. */
  readonly acts: readonly SwarmAct[];
  /** Devices that have acted. */
  readonly chains: number;
  /** Devices that signed two acts for one place in their chain: proof of a lie or a copied profile. */
  readonly forks: readonly {
    readonly who: SwarmPerson;
    readonly device: DeviceId;
    readonly seq: number;
  }[];
};

export type PeerView = {
  readonly status: NodeStatus;
  readonly sameAccount: boolean;
  readonly sameDevice: boolean;
  /** How it is linked with this tab: a neighbour, a link for work, or over others. */
  readonly link: 'neighbor' | 'direct' | 'none';
  /** What that link goes through. */
  readonly way: Way | undefined;
  /** Whom it says it is linked with, with round trips in ms (−1: not measured). */
  readonly neighbors: readonly { readonly peer: PeerId; readonly rtt: number }[];
  readonly rtt: Milliseconds | undefined;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly connectedAt: number;
  /** Tasks of ours it runs now, and tasks of its that we run now. */
  readonly workingForUs: number;
  readonly workingForIt: number;
  readonly tasksDone: number;
  readonly wrong: number;
  /** closed: fine; open: left alone until `until` (monotonic) after failures. */
  readonly breaker: 'closed' | 'half-open' | 'open';
};

/** The swarm as this tab stands in it. Rates are of the last minute; undefined until something was measured. */
export type NetworkView = {
  /** With this tab. */
  readonly peers: number;
  readonly neighbors: number;
  /** Links for work, besides. */
  readonly direct: number;
  /** Links over a TURN server, and links through this server. */
  readonly relayed: number;
  readonly carried: number;
  /** Round trip to the slowest neighbour, in ms. */
  readonly slowest: number | undefined;
  readonly toldPerMinute: number | undefined;
  /** Messages to neighbours: others' broadcasts and letters, and what is said about them. */
  readonly passedOnPerMinute: number | undefined;
  /** Forged, damaged or too many: not passed on, since this page was opened. */
  readonly refused: number;
};

export type ReceiptView = {
  readonly receipt: WorkReceipt;
  readonly direction: 'earned' | 'spent' | 'own';
  readonly state: 'whole' | 'claim';
  readonly otherName: string | undefined;
};

export type CreditsView = {
  readonly earned: MilliCredits;
  readonly spent: MilliCredits;
  readonly receipts: readonly ReceiptView[];
};

export type InstallView = {
  readonly state: 'unavailable' | 'available' | 'installed';
  /** Why not, and what to do ("this phone does not trust the host's certificate yet: open /ca.crt"). */
  readonly reason: string | undefined;
  readonly offlineReady: boolean;
  /** A new version waits; `applyUpdate` reloads after asking. */
  readonly updateReady: boolean;
};

export interface ReadModels {
  readonly self: Store<SelfView>;
  readonly consent: Store<Consent | undefined>;
  readonly limits: Store<ShareLimits>;
  readonly room: Store<RoomView>;
  readonly peers: Store<readonly PeerView[]>;
  /** Undefined in an open room. */
  readonly swarm: Store<PrivateSwarmView | undefined>;
  readonly network: Store<NetworkView>;
  /** Peers that could not join us, and why (version, identity…). */
  readonly refusals: Store<
    readonly { readonly peer: PeerId; readonly reason: string; readonly at: number }[]
  >;
  readonly jobs: Store<readonly JobView[]>;
  readonly credits: Store<CreditsView>;
  readonly metrics: Store<InferenceMetrics>;
  /** The Health screen: what is measured, checked, alerted, traced, logged and concluded. */
  readonly telemetry: TelemetryModels;
  readonly install: Store<InstallView>;
  readonly theme: Store<ThemeChoice>;
  /** The Models screen. */
  readonly bench: Store<ModelsView>;
  /** The Wallet screen. */
  readonly ledger: Store<LedgerView>;
  /** Public work, in the Wallet screen. */
  readonly publicWork: Store<PublicWorkView>;
}

/** What a person can do with a model file. Each begins; how it goes on and ends is in `bench`. */
export interface ModelCommands {
  /** A model and what lies beside it, instead of the one that is open. */
  openModel(files: readonly File[]): Promise<void>;
  /** The model that reads here, for those who have none at hand. */
  openSampleModel(): Promise<void>;
  closeModel(): Promise<void>;
  /** Opens it on WebAssembly and on WebGPU, to see whether it runs there. */
  checkModel(): Promise<void>;
  quantizeModel(recipe: Recipe): Promise<void>;
  /** Runs it and what was made of it on the same inputs. */
  compareModels(settings: CompareSettings): Promise<void>;
  /** Stops whatever runs. */
  cancelModelWork(): Promise<void>;
  discardQuantized(): Promise<void>;
}

export interface Commands extends ModelCommands, LedgerCommands, PublicWorkCommands, TelemetryCommands {
  chooseConsent(consent: Consent): Promise<void>;
  setTheme(theme: ThemeChoice): Promise<void>;
  setLimits(limits: ShareLimits): Promise<void>;
  rename(name: string): Promise<void>;
  /** Goes to another room: a link, or undefined for a new one. Says why a link can't be used. */
  changeRoom(link: string | undefined): Promise<Result<void, string>>;
  /** Opens a new private swarm, founded by this account. */
  foundSwarm(): Promise<Result<void, string>>;
  /** An administrative act in the private swarm: signed, kept and told to all. */
  administer(act: Administration): Promise<Result<void, string>>;
  reconnect(): void;

  /**
   * `alone`: the images don't leave this device. Without it, the person's consent decides. `budget`: whole µVC that are set aside
   * for whoever works on it; what is not used comes back. `strategy`: how those are chosen; without one, balanced.
   */
  submitImages(
    files: readonly File[],
    audience?: InferenceRequest['audience'],
    budget?: number,
    strategy?: StrategyName,
  ): Promise<Result<JobId, SubmitError>>;
  cancelJob(job: JobId): Promise<void>;
  removeJob(job: JobId): Promise<void>;
  pageFile(job: JobId, page: number): Promise<Blob | undefined>;
  /** The job's text, or its JSON with boxes, confidences and who read what. */
  exportJob(job: JobId, format: 'txt' | 'json'): Promise<Blob | undefined>;
  /** The bundled sample pages, so that a first visitor has something to drop. */
  loadSamples(): Promise<readonly File[]>;

  measureSpeed(): Promise<void>;
  /** The account's recovery key as text, once: afterwards `confirmRecoveryKeySaved` forgets it here. */
  revealRecoveryKey(): Promise<string | undefined>;
  confirmRecoveryKeySaved(): Promise<void>;
  /** Makes this device part of the account that the key belongs to. */
  restoreAccount(recoveryKey: string): Promise<Result<void, string>>;

  exportReceipts(): Promise<Blob>;
  /** Checks a receipt's two signatures here and now. */
  verifyReceipt(id: string): Promise<Result<void, string>>;
  install(): Promise<void>;
  applyUpdate(): Promise<void>;
}

export interface AppModel {
  readonly models: ReadModels;
  readonly commands: Commands;
  /** For countdowns and "two minutes ago"; the dashboard has no clock of its own. */
  readonly clock: Clock;
  readonly timers: Timers;
}
