import { defineConfig } from 'playwright/test';

export default defineConfig({
  testDir: 'tests/e2e',
  // Tabs of one test already fill two cores.
  workers: 1,
  fullyParallel: false,
  // A flaky test is a bug.
  retries: 0,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: [['list'], ['json', { outputFile: 'test-results/browsers.json' }]],
  outputDir: 'test-results/browsers',
});
