import { concatBytes, encodeHex, sha256 } from '../../bytes/index.ts'
import type { IncomingRequest } from '../../server/index.ts'

/** Longest body whose digest is computed for a token that asks for it. */
const maxDigestBytes = 1024 * 1024

const none: readonly string[] = []

/**
 * What the paywall needs of a `Request`. Its `url` is what the application routes by; dot segments
 * and the like were resolved before it got there.
 */
export function readWebRequest(
  request: Request,
  clientAddress: string | undefined,
): IncomingRequest {
  const { url, headers } = request
  const path = url.indexOf('/', url.indexOf('//') + 2)
  return {
    method: request.method,
    target: path === -1 ? '' : url.slice(path),
    clientAddress,
    headerLines: (name) => {
      const value = headers.get(name)
      return value === null ? none : [value]
    },
    bodySha256: () => digestBody(request),
  }
}

/** Reads a copy, so that the handler still finds the body. @throws {RangeError} for a long one. */
async function digestBody(request: Request): Promise<string> {
  const reader = request.clone().body?.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const chunk = await reader?.read()
    if (chunk === undefined || chunk.done) break
    length += chunk.value.length
    chunks.push(chunk.value)
    if (length <= maxDigestBytes) continue
    // Not awaited: one branch of a body waits for the other to be given up too.
    reader?.cancel().catch(() => undefined)
    throw new RangeError(`body: expected at most ${maxDigestBytes} bytes`)
  }
  return encodeHex(sha256(concatBytes(...chunks)))
}
