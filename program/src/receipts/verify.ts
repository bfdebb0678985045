import type { ReceiptVerdict } from 'satway/journal'
import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { printable } from '../cli/printable.ts'
import { paragraph } from '../cli/screen.ts'
import { thousands } from '../cli/wording.ts'
import type { Desk } from '../desk/index.ts'
import { openDesk, withJournal, writeOne } from '../desk/index.ts'
import { viewVerdict } from './receipt-view.ts'

const nothingYet: ReceiptVerdict = {
  lines: 0,
  settled: 0,
  proven: 0,
  head: '0'.repeat(64),
  problems: [],
}

/** Runs `satway receipts verify`. */
export async function runReceiptsVerify(given: Given, desk: Desk = openDesk()): Promise<number> {
  const verdict = await withJournal(
    desk,
    () => nothingYet,
    async (journal) => await journal.receipts.verify(),
  )
  writeOne(given, desk, viewVerdict(verdict), () => words(desk, verdict))
  return verdict.problems.length === 0 ? exitCodes.ok : exitCodes.failed
}

function words(
  { screen }: Desk,
  { lines, settled, proven, head, problems }: ReceiptVerdict,
): string {
  const count = (value: number): string => thousands(`${value}`)
  const facts = `${count(lines)} lines, ${count(settled)} settled payments, ${count(proven)} of them proven by their preimage.`
  if (problems.length > 0) {
    const shown = problems
      .slice(0, 50)
      .map((problem) => paragraph(screen, '  - ', printable(problem)))
    const rest = problems.length > 50 ? `  and ${count(problems.length - 50)} more\n` : ''
    return `${screen.bad('The receipts are not in order.')} ${facts}\n${shown.join('')}${rest}`
  }
  const keep = 'Keep this digest elsewhere: it tells later whether the end was cut off.'
  return `${screen.good('In order.')} ${facts}\nHead ${head}\n${screen.dim(keep)}\n`
}
