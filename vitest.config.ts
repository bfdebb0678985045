import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{library,program}/src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
})
