import type { Receipt, ReceiptBook } from 'satway/journal'
import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { grid } from '../cli/grid.ts'
import { amountWords, relativeTime } from '../cli/wording.ts'
import type { Desk } from '../desk/index.ts'
import { openDesk, readListing, readSince, withJournal, writeListing } from '../desk/index.ts'
import { chooseOrigin, readOrigin } from '../tokens/index.ts'
import { viewReceipt } from './receipt-view.ts'

/** Runs `satway receipts list`. */
export async function runReceiptsList(given: Given, desk: Desk = openDesk()): Promise<number> {
  const { form, limit } = readListing(given, desk)
  const [since, text] = [given.text('since'), given.text('origin')]
  if (text !== undefined) readAnyOrigin(text)
  const filter = {
    ...(since !== undefined && { sinceSeconds: readSince(since, desk.now()) }),
    ...(limit !== undefined && { limit }),
  }
  const receipts = await withJournal(
    desk,
    () => [],
    async ({ receipts: book }) => {
      if (text === undefined) return await book.list(filter)
      return await book.list({ ...filter, origin: await originOfReceipts(book, text) })
    },
  )
  writeListing(desk, form, receipts.map(viewReceipt), () => {
    if (receipts.length === 0) return 'No receipts.\n'
    const rows = receipts.map((receipt) => rowOf(receipt, desk.now()))
    return grid(desk.screen, columnsOf(desk), rows)
  })
  return exitCodes.ok
}

/** Bare invoices have `lightning:<payee>` for an origin. */
function readAnyOrigin(text: string): string {
  return text.startsWith('lightning:') ? text : readOrigin(text)
}

async function originOfReceipts(book: ReceiptBook, text: string): Promise<string> {
  if (text.startsWith('lightning:')) return text
  return await chooseOrigin(
    text,
    async (origin) => (await book.list({ origin, limit: 1 })).length > 0,
  )
}

function columnsOf({ screen }: Desk): Parameters<typeof grid>[1] {
  return [
    { title: 'WHEN' },
    { title: 'WHAT', style: (cell) => paint(screen, cell) },
    { title: 'ORIGIN' },
    { title: 'REQUEST' },
    { title: 'AMOUNT', right: true },
    { title: 'BECAUSE' },
  ]
}

function rowOf(receipt: Receipt, nowSeconds: number): readonly string[] {
  const { kind, origin, method, path, amountMsat, paymentHash } = receipt
  const request = [method, path].filter((part) => part !== undefined).join(' ')
  return [
    relativeTime(receipt.time, nowSeconds),
    kind,
    (origin ?? '-').replace(/^https:\/\//, ''),
    request === '' ? (paymentHash?.slice(0, 8) ?? '-') : request,
    amountMsat === undefined ? '' : amountWords(amountMsat),
    reasonOf(receipt),
  ]
}

function reasonOf({ code, reason, status, feeMsat, decidedBy }: Receipt): string {
  if (code !== undefined) return reason ?? code.toLowerCase()
  if (reason !== undefined) return reason
  if (status !== undefined) return `status ${status}`
  if (feeMsat !== undefined && feeMsat !== '0') return `fee ${amountWords(feeMsat)}`
  return decidedBy === 'approval' ? 'approved' : ''
}

function paint(screen: Desk['screen'], cell: string): string {
  const kind = cell.trim()
  if (['settled', 'delivered'].includes(kind)) return screen.good(cell)
  if (['unknown', 'not-delivered'].includes(kind)) return screen.bad(cell)
  if (['refused', 'failed', 'abandoned'].includes(kind)) return screen.warn(cell)
  return screen.dim(cell)
}
