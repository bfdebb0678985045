import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { openDatabase } from '../../library/src/journal/database.ts'
import { createReceiptMirror } from '../../library/src/journal/receipt-mirror.ts'
import { writeReceipt } from '../../library/src/journal/receipt-writer.ts'

// A process that copies receipts to their file, for receipt-mirror.test.ts:
//   crash FOLDER STEP       copies what waits, and kills itself at that call of the file system
//   write FOLDER COUNT WHO  writes so many receipts, and copies them all the while

const [mode, folder = '', number = '0', who = ''] = process.argv.slice(2)
const path = join(folder, 'receipts.jsonl')
const database = await openDatabase(join(folder, 'journal.db'))
const mirror = createReceiptMirror(database, path)

if (mode === 'crash') {
  dieAtCall(Number(number))
  await mirror.sync()
  process.stdout.write('done')
  process.exit(0)
}

let copying: Promise<void> = Promise.resolve()
for (let i = 0; i < Number(number); i++) {
  await database.transact(i % 2 === 0, (db) =>
    writeReceipt(db, { kind: 'refused', atSeconds: i, reason: `${who} ${i}` }),
  )
  if (i % 5 === 0) copying = Promise.all([copying, mirror.sync()]).then(() => undefined)
}
await copying
await mirror.close()
await database.close()
process.stdout.write('done')

/** Each call counts once, a write twice: it dies before it, and in the middle of it. */
function dieAtCall(step: number): void {
  let left = step
  const die = (): void => {
    process.kill(process.pid, 'SIGKILL')
  }
  const count = (): boolean => --left === 0
  for (const name of ['openSync', 'readSync', 'fdatasyncSync', 'fsyncSync', 'closeSync'] as const) {
    const real = fs[name] as (...args: unknown[]) => unknown
    const counted = (...args: unknown[]): unknown => {
      if (count()) die()
      return real(...args)
    }
    Object.assign(fs, { [name]: counted })
  }
  const write = fs.writeSync as (descriptor: number, bytes: Uint8Array) => number
  const halfWritten = (descriptor: number, bytes: Uint8Array, at: number): number => {
    const rest = bytes.subarray(at)
    if (count()) die()
    if (count()) {
      write(descriptor, rest.subarray(0, Math.floor(rest.length / 2) + 7))
      die()
    }
    return write(descriptor, rest)
  }
  Object.assign(fs, { writeSync: halfWritten })
  syncBuiltinESMExports()
}
