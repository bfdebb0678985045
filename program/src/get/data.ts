import { open } from 'node:fs/promises'
import { Failure } from '../cli/failure.ts'
import { readStandardInput } from '../cli/standard-input.ts'

/** Longest text or file that a flag may name, in bytes. A body is kept in memory: it is sent twice. */
const maxBytes = 64 * 1024 * 1024

/**
 * What a flag says: the text itself, `@FILE` for what is in a file, `@-` for standard input.
 *
 * @throws {Failure} when it cannot be read, or is longer than 64 MiB.
 */
export async function readData(flag: string, text: string): Promise<Uint8Array<ArrayBuffer>> {
  if (!text.startsWith('@')) return new TextEncoder().encode(text)
  if (text === '@-') return Uint8Array.from(await readStandardInput(maxBytes))
  const path = text.slice(1)
  try {
    return await readWhole(path)
  } catch (error) {
    if (error instanceof Failure) throw error
    const { code } = error as NodeJS.ErrnoException
    throw new Failure(`--${flag}: ${path} cannot be read (${code ?? 'unknown reason'}).`)
  }
}

/** A device has no size, and no end perhaps. */
async function readWhole(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const file = await open(path)
  try {
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of file.createReadStream() as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > maxBytes) throw new Failure(`${path} is longer than ${maxBytes} bytes.`)
      chunks.push(chunk)
    }
    return Uint8Array.from(Buffer.concat(chunks))
  } finally {
    await file.close()
  }
}
