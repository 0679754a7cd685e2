// How the tests run: whole files side by side on two cores, each with time enough for a cold workerd.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
