import { Transform } from 'node:stream'

/** How much of a line that is too long is kept, to find its id. */
const endBytes = 128

/**
 * Passes on lines of at most so many bytes, each whole. A longer one is dropped, and no more of it than
 * that is ever held.
 *
 * @param onLong - Is told of each that was dropped: the end of it.
 * @param ready - Is waited for before more is read.
 */
export function messageLines(
  maxBytes: number,
  onLong: (end: string) => void,
  ready: () => Promise<void> = async () => undefined,
): Transform {
  let held: Buffer[] = []
  let heldBytes = 0
  let isTooLong = false
  let end = Buffer.alloc(0)

  const hold = (part: Buffer): void => {
    heldBytes += part.length
    if (heldBytes > maxBytes) isTooLong = true
    if (isTooLong) {
      const last = held.at(-1) ?? Buffer.alloc(0)
      end = Buffer.concat([
        end.length === 0 ? last.subarray(-endBytes) : end,
        part.subarray(-endBytes),
      ])
      end = end.subarray(-endBytes)
      held = []
    } else held.push(part)
  }
  const take = (): Buffer | undefined => {
    const line = isTooLong ? undefined : Buffer.concat(held)
    if (isTooLong) onLong(end.toString())
    held = []
    heldBytes = 0
    isTooLong = false
    end = Buffer.alloc(0)
    return line
  }

  const split = (chunk: Buffer, pass: (line: Buffer) => void): void => {
    let from = 0
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      hold(chunk.subarray(from, at + 1))
      from = at + 1
      const line = take()
      if (line !== undefined) pass(line)
    }
    if (from < chunk.length) hold(chunk.subarray(from))
  }

  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      void ready().then(() => {
        split(chunk, (line) => this.push(line))
        done()
      })
    },
    flush(done) {
      const line = heldBytes === 0 ? undefined : take()
      if (line !== undefined) this.push(line)
      done()
    },
  })
}

/**
 * The answer to a message that was not read.
 *
 * @param end - Of the message: clients write the id last. Where it is not found, the answer has none.
 */
export function tooLongAnswer(end: string, maxBytes: number): string {
  const id = /,\s*"id":\s*(\d{1,15}|"[\w-]{1,64}")\s*\}\s*$/.exec(end)?.[1] ?? 'null'
  const message = `A message has at most ${maxBytes} bytes. This one was not read.`
  const error = JSON.stringify({ code: -32_600, message })
  return `{"jsonrpc":"2.0","id":${id},"error":${error}}\n`
}
