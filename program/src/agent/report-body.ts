import { Failure } from '../cli/failure.ts'

/** A body, as far as it goes into a report. */
export type ReportBody = {
  readonly body: string
  readonly bodyEncoding: 'utf8' | 'base64'
  readonly truncated: boolean
}

/** What a place for bodies throws when it takes no more. */
export class BodyTooLong extends Failure {
  constructor(maxBytes: number, advice?: string) {
    super(`The answer is longer than ${maxBytes} bytes.`, advice === undefined ? {} : { advice })
  }
}

/**
 * Reads the beginning of a body, as text, or as base64 where it is not UTF-8 or holds a zero. What is beyond the
 * limit is not waited for.
 *
 * @param maxBytes - A character that the limit cuts in two is left out.
 * @spec agent.md R-AGT-24
 */
export async function readBody(response: Response, maxBytes: number): Promise<ReportBody> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk)
    length += chunk.length
    // Leaving the loop cancels the body.
    if (length > maxBytes) break
  }
  const truncated = length > maxBytes
  const bytes = Buffer.concat(chunks).subarray(0, maxBytes)
  const text = textOf(bytes, truncated)
  if (text !== undefined) return { body: text, bodyEncoding: 'utf8', truncated }
  return { body: bytes.toString('base64'), bodyEncoding: 'base64', truncated }
}

function textOf(bytes: Uint8Array, isCut: boolean): string | undefined {
  try {
    // `stream`: an incomplete character at the end is no mistake when that end is a cut.
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    // JSON writes six bytes for each zero, and no text has one.
    return bytes.includes(0) ? undefined : decoder.decode(bytes, { stream: isCut })
  } catch {
    return undefined
  }
}
