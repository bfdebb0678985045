import type { Exchange } from '../proxy/index.ts'

/**
 * Lets a client that waits to be told so send its body when somebody begins to read it, and not
 * before: who is refused has sent nothing in vain.
 */
export function continueOnRead(request: Exchange['request'], response: Exchange['response']): void {
  const { read } = request
  const writeContinue: (this: unknown) => void = response.writeContinue
  let isInvited = false
  // Who reads may say so before: the client is told once.
  response.writeContinue = (): void => {
    if (isInvited || response.headersSent || hasLeft(response)) return
    isInvited = true
    writeContinue.call(response)
  }
  request.read = (size?: number): unknown => {
    request.read = read
    response.writeContinue()
    return read.call(request, size)
  }
}

/**
 * Nobody is told anything on a stream that was reset: Node throws there. Reading goes on after a
 * reset, so this is asked at the moment of writing.
 */
function hasLeft(response: Exchange['response']): boolean {
  if (!('stream' in response)) return response.destroyed
  return response.stream.destroyed || response.stream.closed
}
