import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// `npm test`: builds, type-checks, lints and runs every test. Arguments go to the test runner.
//
// What the machine lacks is skipped with its reason on the closing line, and fails instead when
// SATWAY_REQUIRE names it: a comma list of parts, such as `SATWAY_REQUIRE=lsat-js`, or all but one,
// `SATWAY_REQUIRE=all,-lnd`.

const fuzzCases = process.env['SATWAY_FUZZ_CASES'] ?? '1000000'
const folder = mkdtempSync(join(tmpdir(), 'satway-test-'))

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
const given = process.argv.slice(2)
const reports = [vitest('test', ['--project', 'unit', '--project', 'long', ...given])]
// By themselves: each takes the whole machine, and what is timed elsewhere would fail beside it.
if (given.length === 0) {
  reports.push(vitest('crash', ['--project', 'crash']))
  reports.push(vitest('regtest', ['--project', 'regtest']))
}

const passed = total('numPassedTests')
const reasons = readSkips()
const seconds = Math.round((performance.now() - started) / 1000)
process.stdout.write(`\nAll of it took ${seconds} s.\n`)
process.stdout.write(reasons === '' ? 'Nothing was skipped.\n' : `Skipped: ${reasons}\n`)
process.stdout.write(
  `${passed} passed, ${total('numFailedTests')} failed, ${total('numPendingTests')} skipped\n`,
)
rmSync(folder, { recursive: true, force: true })
const isGood = !failed && reports.every(({ success }) => success) && passed > 0
process.exit(isGood ? 0 : 1)

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

/** Runs the tests of some projects. */
function vitest(name: string, args: readonly string[]): Report {
  const file = join(folder, `${name}.json`)
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
  step(name, 'vitest', ['run', ...reporters, ...args])
  return readReport(file)
}

function total(count: 'numPassedTests' | 'numFailedTests' | 'numPendingTests'): number {
  return reports.reduce((sum, report) => sum + report[count], 0)
}

function readReport(file: string): Report {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report
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
