import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'], externalConditions: ['source'] } },
  test: {
    // Most tests wait for a host or a process of their own.
    maxWorkers: '100%',
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: [
            'test/hosts/**',
            'test/rolling/hosts/**',
            'test/clusters/hosts/**',
            'test/faults/hosts/**',
            'test/shells/**',
            'test/package/**',
          ],
          // They are pure, or start processes of their own: they need no fresh modules.
          isolate: false,
          // Some start the compiler, on whatever else the machine does.
          testTimeout: 30_000,
        },
      },
      { extends: true, test: { name: 'shells', include: ['test/shells/**/*.test.ts'], testTimeout: 120_000 } },
      {
        extends: true,
        test: {
          name: 'package',
          include: ['test/package/**/*.test.ts'],
          globalSetup: 'test/package/pack.ts',
          testTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          // Whole platforms, and rolls that are cut off: `npm run test:rolling` runs them.
          name: 'rolling',
          include: ['test/rolling/hosts/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          // Both transports with cables that are cut, and uploads that are: `npm run test:faults` runs them.
          name: 'faults',
          include: ['test/faults/hosts/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          // Real clusters and what befalls them: `npm run test:clusters` runs them.
          name: 'clusters',
          include: ['test/clusters/hosts/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'hosts',
          include: ['test/hosts/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
})
