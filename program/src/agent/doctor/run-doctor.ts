import type { Given } from '../../cli/command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import type { Screen } from '../../cli/screen.ts'
import { columns, pad, paragraph } from '../../cli/screen.ts'
import type { Desk } from '../../desk/index.ts'
import { openDesk, writeOne } from '../../desk/index.ts'
import type { DoctorCheck, DoctorReport } from '../../schema/index.ts'
import { examine } from './examine.ts'

/** Runs `satway doctor`. */
export async function runDoctor(given: Given, desk: Desk = openDesk()): Promise<number> {
  const report = await examine(desk.environment, given.text('wallet'))
  writeOne(given, desk, report, () => renderReport(desk.screen, report))
  return report.ok ? exitCodes.ok : exitCodes.failed
}

/** One line a check, aligned, and below it what to do. */
export function renderReport(screen: Screen, { ok, checks }: DoctorReport): string {
  const width = Math.max(...checks.map(({ name }) => columns(name)))
  const lines = checks.map((check) => {
    const head = `${styled(screen, check.verdict)}  ${pad(check.name, width)}  `
    const first = paragraph(screen, head, check.message)
    if (check.advice === null) return first
    return first + paragraph(screen, ' '.repeat(columns(head)), check.advice, screen.dim)
  })
  return `${lines.join('')}\n${summary(screen, ok, checks)}\n`
}

function styled(screen: Screen, verdict: DoctorCheck['verdict']): string {
  const style = { ok: screen.good, warning: screen.warn, failure: screen.bad, skipped: screen.dim }
  return style[verdict](pad(verdict === 'skipped' ? '-' : verdict, 'warning'.length))
}

function summary(screen: Screen, ok: boolean, checks: readonly DoctorCheck[]): string {
  const warnings = checks.filter(({ verdict }) => verdict === 'warning').length
  const failures = checks.filter(({ verdict }) => verdict === 'failure').length
  const seen = `${failures} to mend, ${warnings} to look at`
  return ok
    ? screen.good(warnings === 0 ? 'All in order.' : `In order; ${seen}.`)
    : screen.bad(`${seen}.`)
}
