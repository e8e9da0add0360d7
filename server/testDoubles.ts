import type { ServerConfig } from './config.ts';

export const testConfig: ServerConfig = {
  host: '127.0.0.1',
  port: 0,
  tls: false,
  dataFolder: '/nonexistent',
  ice: [],
  origins: [],
  logLevel: 'error',
  maxConnections: 100,
  maxConnectionsPerAddress: 100,
  newRoom: false,
};
