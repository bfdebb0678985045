import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// `npm test`: builds, type-checks, lints and runs every test. Arguments go to the test runner.
//
// What the machine lacks is skipped with its reason on the closing line, and fails instead when
// SATWAY_REQUIRE names it (a comma list of parts, for example `SATWAY_REQUIRE=lsat-js`).

const fuzzCases = process.env['SATWAY_FUZZ_CASES'] ?? '1000000'
const folder = mkdtempSync(join(tmpdir(), 'satway-test-'))
const reportFile = join(folder, 'report.json')

type Report = {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly success: boolean
}

let failed = false
const started = performance.now()
step('build', process.execPath, ['tools/build.ts'])
step('type-check', 'tsc', ['--project', 'tsconfig.check.json'])
step('lint', 'biome', ['check', '--error-on-warnings'])
step('test', 'vitest', [
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${reportFile}`,
  ...process.argv.slice(2),
])

const report = readReport()
const reasons = readSkips()
const seconds = Math.round((performance.now() - started) / 1000)
process.stdout.write(`\nAll of it took ${seconds} s.\n`)
process.stdout.write(reasons === '' ? 'Nothing was skipped.\n' : `Skipped: ${reasons}\n`)
process.stdout.write(
  `${report.numPassedTests} passed, ${report.numFailedTests} failed, ${report.numPendingTests} skipped\n`,
)
rmSync(folder, { recursive: true, force: true })
process.exit(failed || !report.success || report.numPassedTests === 0 ? 1 : 0)

function step(name: string, command: string, args: readonly string[]): void {
  const began = performance.now()
  process.stdout.write(`\n== ${name}\n`)
  const done = spawnSync(command, args, {
    stdio: 'inherit',
    env: {
      ...process.env,
      SATWAY_FUZZ_CASES: fuzzCases,
      SATWAY_SKIPS_FILE: join(folder, 'skips'),
    },
  })
  const took = ((performance.now() - began) / 1000).toFixed(1)
  if (done.status === 0) {
    process.stdout.write(`== ${name}: ok, ${took} s\n`)
    return
  }
  failed = true
  process.stdout.write(`== ${name}: FAILED, ${took} s\n`)
}

function readReport(): Report {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8')) as Report
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, success: false }
  }
}

/** Each part that was skipped, once, with its reason. Written by `test/parts.ts`. */
function readSkips(): string {
  try {
    const lines = readFileSync(join(folder, 'skips'), 'utf8').trim().split('\n')
    return [...new Set(lines)].join('; ')
  } catch {
    return ''
  }
}
