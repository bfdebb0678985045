import type { NodeLink } from './node-link.ts'
import { unavailable } from './unavailable.ts'

/** What servers and proxies answer that let no WebSocket through. */
const noWebSocket: ReadonlySet<number> = new Set([400, 403, 404, 405, 426, 501])

/**
 * The texts that a wallet sends over a WebSocket, until the signal aborts. Calls `opened` when it
 * stands. Where there is none to be had, nothing comes, and `opened` is not called: what waits is asked
 * about.
 *
 * @param path - As of `NodeLink.listen`.
 * @throws NODE_UNAVAILABLE when it breaks.
 */
export async function* messagesOf(
  { kind, link, path }: { readonly kind: string; readonly link: NodeLink; readonly path: string },
  signal: AbortSignal,
  opened: () => void,
): AsyncGenerator<string> {
  const socket = await link.listen(path, signal)
  if (socket.kind === 'answered') {
    if (noWebSocket.has(socket.status)) return await aborted(signal)
    throw unavailable(kind, `it answered ${socket.status} to a WebSocket`)
  }
  if (socket.kind !== 'opened') throw unavailable(kind, socket.reason)
  opened()
  try {
    yield* socket.messages
  } catch {
    throw unavailable(kind, 'the stream of settlements broke')
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
