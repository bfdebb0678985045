import type { Writable } from 'node:stream'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { asDiskError } from './disk.ts'
import type { Place } from './place.ts'
import { simplePlace } from './place.ts'
import { createTerminalText, looksBinary } from './terminal-text.ts'

/** Standard output, and whether somebody looks at it. */
export type Output = Writable & { readonly isTTY?: boolean }

/** The body as it is, byte by byte. What follows on a terminal begins on a line of its own. */
export function standardOutput(stream: Output): Place {
  return simplePlace(null, async (response) => {
    if (response.body === null) return
    const line = createLine(stream)
    try {
      const body = Readable.fromWeb(response.body as ReadableStream)
      await pipeline(body, line.note, stream, { end: false })
    } catch (error) {
      throw asDiskError(error, 'Standard output')
    } finally {
      line.end()
    }
  })
}

/**
 * A terminal, when nobody asked for the bytes as they are: shows text, without the sequences that
 * steer a terminal, and puts what is no text into a file.
 *
 * @param openFile - A new file for what is no text.
 */
export function terminalOutput(stream: Output, openFile: () => Promise<Place>): Place {
  let file: Place | undefined
  const shown = simplePlace(null, async (response) => {
    if (response.body === null) return
    const chunks = response.body.getReader()
    const first = await chunks.read()
    if (first.done) return
    const rest = joined(first.value, chunks)
    if (looksBinary(first.value)) {
      file = await openFile().catch(async (error: unknown) => {
        await rest.cancel()
        throw error
      })
      await file.write(new Response(rest, { headers: lengthOf(response) }))
      return
    }
    const line = createLine(stream)
    try {
      await pipeline(Readable.fromWeb(rest as ReadableStream), cleaned, line.note, stream, {
        end: false,
      })
    } catch (error) {
      throw asDiskError(error, 'Standard output')
    } finally {
      line.end()
    }
  })
  return {
    ...shown,
    path: () => file?.path() ?? null,
    abandon: async () => file?.abandon(),
  }
}

/**
 * Where the body of an error is shown. On a terminal as harmless as any other, unless the bytes as they
 * are were asked for; what is no text is no explanation, and left out there.
 */
export function errorOutput(stream: Output, asTheyAre: boolean): Place {
  if (asTheyAre || stream.isTTY !== true) return standardOutput(stream)
  const nowhere = simplePlace(null, async ({ body }) => {
    await body?.cancel()
  })
  return terminalOutput(stream, async () => nowhere)
}

/** For the progress of a download. */
function lengthOf({ headers }: Response): Record<string, string> {
  const length = headers.get('content-length')
  return length === null || headers.has('content-encoding') ? {} : { 'content-length': length }
}

async function* cleaned(chunks: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const text = createTerminalText()
  for await (const chunk of chunks) yield text.next(chunk)
  yield text.end()
}

/** A stream that was begun to be read, whole again. */
function joined(
  first: Uint8Array,
  rest: ReadableStreamDefaultReader<Uint8Array>,
): globalThis.ReadableStream<Uint8Array<ArrayBuffer>> {
  let begun = false
  return new globalThis.ReadableStream({
    async pull(controller) {
      if (!begun) {
        begun = true
        controller.enqueue(Uint8Array.from(first))
        return
      }
      const { done, value } = await rest.read()
      if (done) controller.close()
      else controller.enqueue(Uint8Array.from(value))
    },
    cancel: (reason) => rest.cancel(reason),
  })
}

/** Knows whether what was written ended its line. */
function createLine(stream: Output): {
  note(chunks: AsyncIterable<Uint8Array | string>): AsyncIterable<Uint8Array | string>
  end(): void
} {
  let isOpen = false
  return {
    note: async function* (chunks) {
      for await (const chunk of chunks) {
        if (chunk.length > 0) isOpen = chunk.at(-1) !== (typeof chunk === 'string' ? '\n' : 10)
        yield chunk
      }
    },
    end: () => {
      if (stream.isTTY === true && isOpen) stream.write('\n')
    },
  }
}
