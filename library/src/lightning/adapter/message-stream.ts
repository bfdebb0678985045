import type { NodeLink } from './node-link.ts'
import { unavailable } from './unavailable.ts'

/** What servers and proxies answer that let no WebSocket through. */
const noWebSocket: ReadonlySet<number> = new Set([400, 403, 404, 405, 426, 501])
/** One over which not even a ping comes is dead, after so many ms. */
const idleMs = 60_000

/**
 * The texts that a wallet sends over a WebSocket, until the signal aborts. Calls `stands` when it
 * does. Where there is none to be had, nothing comes, and `stands` is not called: what waits is asked
 * about.
 *
 * @param path - As of `LinkRequest`.
 * @throws NODE_UNAVAILABLE when it breaks.
 */
export async function* messagesOf(
  { kind, link, path }: { readonly kind: string; readonly link: NodeLink; readonly path: string },
  signal: AbortSignal,
  stands: () => void,
): AsyncGenerator<string> {
  const opened = await link.openWebSocket({ path, background: true }, signal, idleMs)
  if (opened.kind === 'answered') {
    if (noWebSocket.has(opened.status)) return await aborted(signal)
    throw unavailable(kind, `it answered ${opened.status} to a WebSocket`)
  }
  if (opened.kind !== 'opened') throw unavailable(kind, opened.reason)
  const { socket } = opened
  const leave = (): void => socket.destroy()
  signal.addEventListener('abort', leave, { once: true })
  if (signal.aborted) leave()
  stands()
  try {
    yield* socket.messages
  } catch {
    throw unavailable(kind, 'the stream of settlements broke')
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
