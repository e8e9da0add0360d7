import { counter, duration, gauge } from './describe.ts';
import { serverMetricDescriptions } from './serverCatalogue.ts';
import type { MetricDescription } from './types.ts';

const mesh = {
  rpc_seconds: duration('Time from asking a peer to its answer or failure', ['method', 'outcome']),
  rpc_served_seconds: duration('Time to answer a peer', ['method', 'outcome']),
  rpc_bytes_total: counter('Bytes of questions and answers', ['direction'], 'bytes'),
  rpc_stray_answers_total: counter('Answers to what nobody asked (any more)'),
  mesh_peers: gauge('Tabs that are linked'),
  mesh_links: gauge('Links to other tabs', 'count', ['state']),
  mesh_links_by_way: gauge('Links to other tabs by the way they take', 'count', ['way']),
  mesh_link_open_seconds: duration('Time to open a link, or until that failed', ['way', 'outcome']),
  mesh_links_lost_total: counter('Links that went down', ['reason']),
  mesh_links_carried_total: counter('Links that go through the server, because no direct one opened'),
  mesh_bytes_total: counter('Bytes over links', ['direction'], 'bytes'),
  mesh_rtt_seconds: duration('Round-trip times of links'),
  mesh_envelopes_dropped_total: counter('Envelopes of one sender beyond what is kept'),
  mesh_unadmitted_messages_total: counter('Messages of peers who are not admitted'),
  broadcast_published_total: counter('Messages broadcast from here'),
  broadcast_delivered_total: counter('Broadcast messages that arrived, each once'),
  broadcast_duplicates_total: counter('Broadcast messages that arrived again'),
  broadcast_invalid_total: counter('Broadcast messages that are none'),
  broadcast_unusable_total: counter('Broadcast messages that are too old, or of nobody known'),
  broadcast_flooded_total: counter('Broadcast messages beyond what an origin may send'),
  broadcast_sent_total: counter('Broadcast messages sent on to neighbours'),
  broadcast_delay_seconds: duration('From publishing to arrival, by two clocks', ['topic']),
  letters_sent_total: counter('Letters sent'),
  letters_acknowledged_total: counter('Letters that arrived, as their receivers say'),
  letters_undelivered_total: counter('Letters given up'),
  letters_received_total: counter('Letters that arrived here, each once'),
  letters_forwarded_total: counter('Letters of others that were sent on'),
  signaling_connected: gauge('Whether the meeting server is connected'),
  signaling_join_seconds: duration('Time to connect to the meeting server and be let in'),
  signaling_reconnects_total: counter('Connections to the meeting server that had to be made again'),
  admission_acts_refused_total: counter('Acts of a private swarm that were refused', ['code']),
} as const satisfies Table;

const work = {
  inference_jobs_total: counter('Jobs that ended', ['outcome']),
  inference_job_seconds: duration('Time of a job from its start to its end'),
  inference_tasks_total: counter('Tasks that ended', ['kind', 'outcome']),
  inference_task_seconds: duration('Time of a task, here or at a peer', ['kind', 'where']),
  inference_tasks_running: gauge('Tasks at work here'),
  inference_tasks_queued: gauge('Tasks that wait here'),
  inference_queue_seconds: duration('Time that tasks wait before they are started'),
  inference_served_tasks_total: counter('Tasks done for others', ['outcome']),
  inference_accepted_total: counter('Results of tasks that were taken'),
  inference_checked_total: counter('Results that were compared with a second one'),
  inference_hedged_total: counter('Tasks that were given to a second node because the first was slow'),
  inference_reassigned_total: counter('Tasks that were taken from a node that failed'),
  worker_call_seconds: duration('Time of a call to a worker', ['pool', 'outcome']),
  worker_busy_seconds_total: counter('Time that workers were at work', ['pool'], 'seconds'),
  workers_running: gauge('Workers that are there, at work or not', 'count', ['pool']),
  workers_started_total: counter('Workers started', ['pool']),
  workers_crashed_total: counter('Workers that crashed', ['pool']),
  workers_stuck_total: counter('Workers replaced because they gave no sign of life', ['pool']),
  model_load_seconds: duration('Time to get the file of a model, checked', ['model', 'from']),
  model_open_seconds: duration('Time until a worker can run its models', ['runtime']),
  model_files_damaged_total: counter('Model files that did not match their hash', ['where']),
  cache_hits_total: counter('Found in a cache', ['cache']),
  cache_misses_total: counter('Not found in a cache', ['cache']),
  cache_bytes: gauge('What a cache holds', 'bytes', ['cache']),
  training_round_seconds: duration('Time of a round of training', ['outcome']),
  agent_task_seconds: duration('Time of an agent’s task', ['outcome']),
} as const satisfies Table;

const ledger = {
  ledger_submit_seconds: duration('Time from signing an act to its being final, or failure', ['outcome']),
  ledger_height: gauge('Height of the newest block known here'),
  ledger_apply_seconds: duration(
    'Time to check and apply a block, of each that came with others the average',
  ),
  ledger_behind_blocks: gauge('Blocks that are known of and not applied yet'),
} as const satisfies Table;

const device = {
  main_thread_lag_seconds: duration('How late the page’s timers run'),
  long_task_seconds: duration('Times over 50 ms that the page was busy at a stretch'),
  memory_bytes: gauge('Memory in use', 'bytes', ['kind']),
  memory_used_ratio: gauge('Share of the memory that this tab may use', 'ratio'),
  storage_used_ratio: gauge('Share of this browser’s room that is used', 'ratio'),
  storage_quota_bytes: gauge('What this browser lets the page store', 'bytes'),
  storage_bytes: gauge('What is stored', 'bytes', ['what']),
  battery_ratio: gauge('Charge of the battery', 'ratio'),
  network_online: gauge('Whether the browser says that it has a network'),
  network_downlink_bytes_per_second: gauge('Downlink as the browser estimates it', 'per-second'),
  network_rtt_seconds: gauge('Round-trip time as the browser estimates it', 'seconds'),
  inference_tasks_running: gauge('Tasks that run for this tab’s jobs'),
  inference_tasks_queued: gauge('Tasks that wait here'),
  mesh_peers: gauge('Tabs of the swarm that are known here'),
  health_changes_total: counter('Changes of what a health check shows', ['check', 'state']),
  health_actions_total: counter('Actions that were to mend something', ['action', 'outcome']),
  health_recovery_seconds: duration('Time from the first bad reading to being well again', ['check']),
  gpu_lost_total: counter('Times the GPU was lost'),
} as const satisfies Table;

const ofItself = {
  health_changes_total: counter('Checks that changed their state', ['check', 'state']),
  health_actions_total: counter('Recovery actions that ended', ['action', 'outcome']),
  health_recovery_seconds: duration('Time from the start of an incident to its end', ['check']),
  telemetry_dropped_total: counter('Samples, spans and log entries that were not taken', ['reason']),
  telemetry_bytes: gauge('What telemetry takes in this browser’s storage', 'bytes'),
  telemetry_series: gauge('Series that are kept'),
  log_entries_total: counter('Log entries', ['level', 'component']),
} as const satisfies Table;

type Table = Readonly<Record<string, MetricDescription>>;

/** Every metric of the product: what it is, its unit, and the labels it has. */
export const metricDescriptions = {
  ...mesh,
  ...work,
  ...ledger,
  ...device,
  ...ofItself,
  ...serverMetricDescriptions,
} as const satisfies Table;

export type MetricName = keyof typeof metricDescriptions;

export const describeMetric = (name: string): MetricDescription | undefined =>
  isKnown(name) ? metricDescriptions[name] : undefined;

const isKnown = (name: string): name is MetricName => Object.hasOwn(metricDescriptions, name);
