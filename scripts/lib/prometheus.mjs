// A Prometheus of one's own on a free port, for `npm run observe` and tests; nothing of it is left. Plain Node.
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export const findProgram = (name) =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });

export const howToInstall =
  'Prometheus is not installed. Debian and Ubuntu: apt-get install prometheus; macOS: brew install prometheus; ' +
  'else unpack it from https://prometheus.io/download and put its folder on PATH.';

/** Everything it says, and whether it is content. */
export const promtool = (args, input) =>
  new Promise((resolve) => {
    const child = spawn(findProgram('promtool') ?? 'promtool', args, { cwd: root, stdio: 'pipe' });
    let output = '';
    const take = (part) => {
      output += part;
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (cause) => resolve({ ok: false, output: cause.message }));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
    child.stdin.on('error', () => {}); // it has seen enough
    child.stdin.end(input ?? '');
  });

export const checkDeployment = async () => {
  const rules = 'deploy/prometheus';
  const checks = [
    ['configuration', ['check', 'config', 'deploy/prometheus.yml']],
    ['rules', ['check', 'rules', `${rules}/alerts.yml`]],
    ['tests of the rules', ['test', 'rules', `${rules}/alerts.test.yml`, `${rules}/alerts.days.test.yml`]],
  ];
  const results = [];
  for (const [what, args] of checks) results.push({ what, ...(await promtool(args)) });
  return results;
};

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** JSON is YAML, and quotes whatever a path or a host may contain. */
const configOf = (target, everySeconds) => {
  const { host, protocol } = new URL(target);
  return {
    global: { scrape_interval: `${everySeconds}s`, evaluation_interval: `${everySeconds}s` },
    rule_files: [join(root, 'deploy/prometheus/alerts.yml')],
    scrape_configs: [
      {
        job_name: 'aivillage',
        scheme: protocol.replace(':', ''),
        // The certificate is of this host's own authority, and Prometheus runs beside it.
        tls_config: { insecure_skip_verify: true },
        static_configs: [{ targets: [host] }],
      },
    ],
  };
};

export const startPrometheus = async ({ target, everySeconds = 1, port }) => {
  const path = findProgram('prometheus');
  if (!path) throw new Error(howToInstall);
  const folder = await mkdtemp(join(tmpdir(), 'aivillage-prometheus-'));
  const config = join(folder, 'prometheus.yml');
  await writeFile(config, JSON.stringify(configOf(target, everySeconds), null, 2));
  const url = `http://127.0.0.1:${port ?? (await freePort())}`;
  const child = spawn(
    path,
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${new URL(url).host}`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (part) => {
    said = (said + part).slice(-4_000);
  });
  const ended = new Promise((resolve) => {
    child.once('error', (cause) => resolve(cause.message));
    child.once('exit', (code) => resolve(`it ended with ${code}`));
  });
  let over;
  void ended.then((why) => {
    over = why;
  });
  const killWithUs = () => void child.kill('SIGKILL');
  process.once('exit', killWithUs);

  const close = async () => {
    process.off('exit', killWithUs);
    child.kill('SIGTERM');
    const forced = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(forced);
    await rm(folder, { recursive: true, force: true });
  };
  const api = async (name, parameters = {}) => {
    const answer = await fetch(`${url}/api/v1/${name}?${new URLSearchParams(parameters)}`);
    const body = await answer.json();
    if (body.status !== 'success') throw new Error(`${name}: ${body.error}`);
    return body.data;
  };
  const until = async (what, withinMs, look) => {
    for (const end = performance.now() + withinMs; performance.now() < end; ) {
      if (over !== undefined) throw new Error(`Prometheus did not start: ${over}\n${said}`);
      const found = await look().catch(() => undefined);
      if (found) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${what} within ${withinMs / 1_000} s\n${said}`);
  };
  let lastError = '';
  const isUp = async () => {
    const { activeTargets } = await api('targets', { state: 'active' });
    lastError = activeTargets[0]?.lastError ?? '';
    return activeTargets[0]?.health === 'up';
  };
  let closing;
  const running = {
    url,
    folder,
    api,
    untilScraped: (withinMs = 20_000) =>
      until('its target was not read', withinMs, isUp).catch((cause) => {
        throw new Error(lastError ? `${target}/metrics: ${lastError}` : cause.message);
      }),
    close() {
      closing ??= close();
      return closing;
    },
  };
  try {
    await until('Prometheus was not ready', 20_000, async () => (await fetch(`${url}/-/ready`)).ok);
  } catch (cause) {
    await running.close();
    throw cause;
  }
  return running;
};
