// `npm run observe`: Prometheus beside a host, by the rules of deploy/. Starts both, or watches the host of --url.
// --check: only looks whether all of that works, and says so with its exit code.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkDeployment, findProgram, howToInstall, startPrometheus } from './lib/prometheus.mjs';
import { buildAll, installPackages, requireNode, root } from './setup.mjs';

const usage = `npm run observe -- [--url http://localhost:8787] [--port 9090] [--check]

  --url ADDRESS  the host to watch; without it one is started, with an empty data folder
  --port N       where Prometheus listens, default a free port
  --check        start, look, say whether all is well, end`;

const startHost = async () => {
  installPackages();
  buildAll();
  const data = await mkdtemp(join(tmpdir(), 'aivillage-observed-'));
  const child = spawn(process.execPath, ['--enable-source-maps', 'dist/server/main.js', '--port', '0'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { AIVILLAGE_LOG_LEVEL: 'warn', ...process.env, AIVILLAGE_DATA: data },
  });
  const killWithUs = () => void child.kill('SIGKILL');
  process.once('exit', killWithUs);
  const close = async () => {
    process.off('exit', killWithUs);
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    }
    await rm(data, { recursive: true, force: true });
  };
  let said = '';
  const link = await new Promise((resolve) => {
    child.once('exit', () => resolve(undefined));
    child.stdout.on('data', (part) => {
      said += part;
      const found = /https?:\/\/\S+#room=\S+/.exec(said)?.[0];
      if (found) resolve(found);
    });
  });
  if (link) return { link, url: new URL(link).origin, close };
  await close();
  throw new Error('The host did not start.');
};

const main = async () => {
  const { values } = parseArgs({
    options: {
      url: { type: 'string' },
      port: { type: 'string' },
      check: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return void console.log(usage);
  const port = values.port === undefined ? undefined : Number(values.port);
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536))
    throw new Error(`--port must be 1 to 65535, not ${values.port}`);
  if (
    values.url !== undefined &&
    !/^https?:$/.test(URL.canParse(values.url) ? new URL(values.url).protocol : '')
  )
    throw new Error(`--url must be an address like http://localhost:8787, not ${values.url}`);
  if (!findProgram('prometheus') || !findProgram('promtool')) throw new Error(howToInstall);

  const ends = [];
  const endAll = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  const asked = new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, resolve);
  });
  try {
    let failed = false;
    for (const { what, ok, output } of await checkDeployment()) {
      console.log(`${ok ? 'ok    ' : 'FAILED'} ${what}`);
      if (!ok) console.error(output);
      failed ||= !ok;
    }
    const host = values.url === undefined ? await startHost() : undefined;
    if (host) ends.push(host.close);
    const target = new URL(host?.url ?? values.url).origin;
    const prometheus = await startPrometheus({ target, everySeconds: 5, port });
    ends.push(prometheus.close);
    await prometheus.untilScraped(30_000);
    console.log(`ok     Prometheus reads ${target}/metrics`);
    if (values.check) {
      process.exitCode = failed ? 1 : 0;
      return;
    }
    console.log(`
  page         ${host?.link ?? target}
  Prometheus   ${prometheus.url}        alerts: ${prometheus.url}/alerts
  metrics      ${target}/metrics        health: ${target}/healthz
  Grafana      is not started here. With a Grafana of yours: add ${prometheus.url} as a data source of type
               Prometheus, then import the files of deploy/grafana/dashboards; or provision both (docs/operating.md).

Ctrl+C ends what was started here.`);
    await asked;
  } finally {
    await endAll();
  }
};

requireNode();
main().catch((cause) => {
  console.error(cause.message);
  process.exit(1);
});
