import { createWriteStream } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { Failure } from '../cli/failure.ts'

/** Where a body goes. Opened before anything is paid: a full answer must have somewhere to go. */
export type Destination = {
  /** `null`: standard output. */
  readonly path: string | null
  /** Takes the body as it arrives. */
  write(response: Response): Promise<void>
  /** Leaves things as they were, if nothing was written. */
  abandon(): Promise<void>
}

/** On a terminal what follows begins on a line of its own; a pipe gets the body as it is. */
export function standardOutput(stream: Writable & { readonly isTTY?: boolean }): Destination {
  return {
    path: null,
    write: async (response) => {
      if (response.body === null) return
      let last: number | undefined
      const note = async function* (chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
        for await (const chunk of chunks) {
          last = chunk.at(-1) ?? last
          yield chunk
        }
      }
      try {
        const body = Readable.fromWeb(response.body as ReadableStream)
        await pipeline(body, note, stream, { end: false })
      } finally {
        if (stream.isTTY === true && last !== undefined && last !== lineFeed) stream.write('\n')
      }
    },
    abandon: async () => undefined,
  }
}

const lineFeed = 10

/**
 * A file that gets its name when it is complete.
 *
 * @throws {Failure} when it cannot be written.
 */
export async function outputFile(path: string): Promise<Destination> {
  if (await isDevice(path)) return device(path)
  const draft = `${path}.${process.pid}.part`
  try {
    await (await open(draft, 'wx')).close()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Failure(`--output: ${path} cannot be written (${code ?? 'unknown reason'}).`, {
      advice: 'Nothing was sent.',
    })
  }
  return {
    path,
    write: async (response) => {
      const file = createWriteStream(draft)
      if (response.body === null) file.end()
      else await pipeline(Readable.fromWeb(response.body as ReadableStream), file)
      await rename(draft, path)
    },
    abandon: () => rm(draft, { force: true }),
  }
}

/** Whether there is something under this name that is no file and no folder: a device, a pipe. */
async function isDevice(path: string): Promise<boolean> {
  try {
    const there = await stat(path)
    return !there.isFile() && !there.isDirectory()
  } catch {
    return false // there is nothing
  }
}

/** Written as it stands: to put a file in the place of `/dev/null` would break the machine. */
function device(path: string): Destination {
  return {
    path,
    write: async (response) => {
      if (response.body === null) return
      const body = Readable.fromWeb(response.body as ReadableStream)
      await pipeline(body, createWriteStream(path))
    },
    abandon: async () => undefined,
  }
}

/** The body as text, or as base64 where it is not UTF-8. */
export async function readBody(
  response: Response,
): Promise<{ readonly body: string; readonly bodyEncoding: 'utf8' | 'base64' }> {
  const bytes = Buffer.from(await response.arrayBuffer())
  try {
    const body = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return { body, bodyEncoding: 'utf8' }
  } catch {
    return { body: bytes.toString('base64'), bodyEncoding: 'base64' }
  }
}
