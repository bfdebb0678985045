import { Failure } from './failure.ts'

/**
 * Reads standard input to its end.
 *
 * @param maxBytes - More than this is refused.
 * @throws {Failure} when there is more.
 */
export async function readStandardInput(maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size > maxBytes) throw new Failure(`Standard input is longer than ${maxBytes} bytes.`)
  }
  return Buffer.concat(chunks)
}
