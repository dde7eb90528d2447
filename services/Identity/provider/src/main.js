import { SettingsError, readSettings } from './settings.js';
import { start } from './server.js';

try {
  const settings = readSettings(process.env);
  const server = await start(settings);
  console.log(`identity-provider: ${settings.issuer} on ${settings.host}:${server.port}`);
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.once(signal, async () => {
      await server.close();
      process.exit(0);
    });
  }
} catch (error) {
  console.error(`identity-provider: ${error instanceof SettingsError ? error.message : error.stack}`);
  process.exit(error instanceof SettingsError ? 78 : 1);
}
