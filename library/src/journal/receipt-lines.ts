import { isUtf8 } from 'node:buffer'
import { open } from 'node:fs/promises'
import { maxLineBytes } from './receipt-line.ts'

/** One line of a file. */
export type FileLine = {
  /** Without its line break. Empty when it is longer than any receipt, or not UTF-8. */
  readonly text: string
  /** Whether a line break ends it. */
  readonly isWhole: boolean
}

const chunkBytes = 64 * 1024

/**
 * The lines of a file, in memory one after the other, however long they are.
 *
 * @throws the system's error when the file cannot be opened or read.
 */
export async function* readFileLines(file: string): AsyncGenerator<FileLine> {
  const handle = await open(file, 'r')
  try {
    const chunk = Buffer.alloc(chunkBytes)
    let begun: Buffer[] = []
    let length = 0
    for (;;) {
      const { bytesRead } = await handle.read(chunk, 0, chunkBytes, null)
      if (bytesRead === 0) break
      let from = 0
      for (;;) {
        const end = chunk.subarray(0, bytesRead).indexOf(0x0a, from)
        const part = chunk.subarray(from, end === -1 ? bytesRead : end)
        length += part.length
        if (length <= maxLineBytes) begun.push(Buffer.from(part))
        if (end === -1) break
        yield { text: textOf(begun, length), isWhole: true }
        begun = []
        length = 0
        from = end + 1
      }
    }
    if (length > 0) yield { text: textOf(begun, length), isWhole: false }
  } finally {
    await handle.close()
  }
}

function textOf(parts: readonly Buffer[], length: number): string {
  if (length > maxLineBytes) return ''
  const bytes = Buffer.concat(parts)
  // Two spellings of one text must not look alike.
  return isUtf8(bytes) ? bytes.toString('utf8') : ''
}
