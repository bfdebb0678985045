import { spawnSync } from 'node:child_process'

// `npm run fuzz -- 10000000`: the fuzz targets, with more cases and a seed of your choice
// (SATWAY_FUZZ_SEED). A finding prints the seed and the case that repeat it.
const cases = process.argv[2] ?? '1000000'
if (!/^[1-9]\d{0,10}$/.test(cases)) {
  process.stderr.write('usage: npm run fuzz -- CASES   (for example 10000000)\n')
  process.exit(2)
}
const done = spawnSync('vitest', ['run', 'test/fuzz', '--testTimeout=3600000'], {
  stdio: 'inherit',
  env: { ...process.env, SATWAY_FUZZ_CASES: cases },
})
process.exit(done.status ?? 1)
