import type { Exchange } from '../proxy/exchange.ts'

/**
 * Lets a client that waits to be told so send its body when somebody begins to read it, and not
 * before: who is refused has sent nothing in vain.
 */
export function continueOnRead(request: Exchange['request'], response: Exchange['response']): void {
  const read = request.read
  request.read = (size?: number): unknown => {
    request.read = read
    if (!response.headersSent && !response.destroyed) response.writeContinue()
    return read.call(request, size)
  }
}
