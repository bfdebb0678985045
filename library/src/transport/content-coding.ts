import type { IncomingMessage } from 'node:http'
import type { Transform } from 'node:stream'
import { problem } from './failure.ts'

/** The most codings that one answer is decoded from: each may make it a thousand times longer. */
const maxCodings = 3
/** Of zstd: 8 MiB, what RFC 9659 lets a server of HTTP ask for. Node would give it 128. */
const maxWindowLog = 23

const hasZstd = process.versions['zstd'] !== undefined
const knownCodings: ReadonlySet<string> = new Set([
  'gzip',
  'x-gzip',
  'deflate',
  'br',
  ...(hasZstd ? ['zstd'] : []),
])

/** What servers may send. */
export const acceptEncoding: string = hasZstd ? 'gzip, deflate, br, zstd' : 'gzip, deflate, br'

/**
 * The codings of an answer, in the order in which they are to be undone. None when one of them is not
 * known: as with the platform's `fetch`, the caller gets what came.
 *
 * @throws {Error} for more than three.
 */
export function codingsOf(header: string | null): readonly string[] {
  const codings = (header ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity')
  if (codings.length > maxCodings) {
    throw problem(
      `the answer is coded ${codings.length} times over; at most ${maxCodings} are read`,
    )
  }
  return codings.every((coding) => knownCodings.has(coding)) ? codings.reverse() : []
}

/**
 * Makes what undoes the codings, the first one first. Waits for the first byte.
 *
 * @returns None when there is nothing to undo: an empty body is empty in every coding.
 */
export async function createDecoders(
  codings: readonly string[],
  incoming: IncomingMessage,
): Promise<readonly Transform[]> {
  if (codings.length === 0) return []
  const first = await firstByte(incoming)
  if (first === undefined) return []
  const zlib = await import('node:zlib')
  return codings.map((coding, i) => {
    switch (coding) {
      case 'br':
        return zlib.createBrotliDecompress()
      case 'zstd':
        return zlib.createZstdDecompress({
          params: { [zlib.constants.ZSTD_d_windowLogMax]: maxWindowLog },
        })
      case 'deflate':
        // Some servers leave out the header, which has 8 in its first half byte.
        return i > 0 || (first & 0x0f) === 8 ? zlib.createInflate() : zlib.createInflateRaw()
      default:
        return zlib.createGunzip()
    }
  })
}

async function firstByte(incoming: IncomingMessage): Promise<number | undefined> {
  for (;;) {
    const chunk = incoming.read() as Buffer | null
    if (chunk !== null) {
      incoming.unshift(chunk)
      return chunk[0]
    }
    if (incoming.readableEnded || incoming.destroyed) return undefined
    await new Promise<void>((resolve) => {
      const done = (): void => {
        for (const event of events) incoming.off(event, done)
        resolve()
      }
      for (const event of events) incoming.on(event, done)
    })
  }
}

const events = ['readable', 'end', 'error', 'close'] as const
