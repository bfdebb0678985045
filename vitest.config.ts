import { defineConfig } from 'vitest/config'

const timeouts = { testTimeout: 60_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{library,program}/src/**/*.test.ts', '{test,examples}/**/*.test.ts'],
          exclude: ['**/node_modules/**', 'test/{fuzz,oracle,crash,regtest}/**'],
          ...timeouts,
        },
      },
      {
        // Thousands of processes that are killed: run by itself, so that nothing else is slowed.
        test: {
          name: 'crash',
          include: ['test/crash/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 1_200_000,
        },
      },
      {
        // Four nodes that sign and verify all the time: run by itself, too.
        test: {
          name: 'regtest',
          include: ['test/regtest/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      {
        // A million cases a target, or thousands of invoices through slow oracles.
        test: {
          name: 'long',
          include: ['test/{fuzz,oracle}/**/*.test.ts'],
          testTimeout: 600_000,
        },
      },
    ],
  },
})
