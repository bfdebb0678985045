import { constants } from 'node:http2'
import type { UpstreamConfig } from '../config/index.ts'
import type { Upstream } from './forward.ts'
import type { RequestRules } from './headers.ts'
import type { Http2Session } from './http2-session.ts'
import type { Http2Sessions } from './http2-sessions.ts'

type Probe = Awaited<ReturnType<Upstream['probe']>>

/**
 * Asks an upstream whether it is there: by its health path, where any answer below 500 counts, or by
 * a connection that speaks HTTP/2. Takes a new connection: one that is kept proves nothing. Never
 * rejects.
 *
 * @spec gateway.md R-GRPC-13
 */
export async function probeHttp2(
  config: UpstreamConfig,
  rules: RequestRules,
  sessions: Http2Sessions,
  signal: AbortSignal,
): Promise<Probe> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(config.connectMs + config.headMs)])
  let session: Http2Session | undefined
  try {
    const taken = sessions.take(true)
    // Whoever is first ends the probe; the other must not be left over.
    session = await Promise.race([taken, aborted(limit, () => void giveBackLater(sessions, taken))])
    if (config.healthPath === undefined) return { ok: true, detail: 'connected' }
    const status = await Promise.race([ask(config, rules, session, limit), aborted(limit)])
    return { ok: status < 500, detail: `status ${status}` }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no connection'
    return { ok: false, detail: code }
  } finally {
    if (session !== undefined) {
      session.isRetired = true
      sessions.giveBack(session)
    }
  }
}

/** The status of the answer. */
function ask(
  { url, healthPath = '/' }: UpstreamConfig,
  rules: RequestRules,
  session: Http2Session,
  limit: AbortSignal,
): Promise<number> {
  const scheme = url.protocol.slice(0, -1)
  const pseudo = [':method', 'GET', ':scheme', scheme, ':authority', rules.authority]
  const { stream } = session.request([...pseudo, ':path', healthPath, ...rules.configured], false)
  const cancel = (): void => stream.close(constants.NGHTTP2_CANCEL)
  limit.addEventListener('abort', cancel, { once: true })
  return new Promise((resolve, reject) => {
    stream.on('response', (headers) => {
      resolve(headers[':status'] ?? 0)
      cancel()
    })
    stream.on('error', reject)
    stream.on('close', () => {
      limit.removeEventListener('abort', cancel)
      reject(new Error('no answer'))
    })
    stream.resume()
  })
}

function aborted(signal: AbortSignal, then?: () => void): Promise<never> {
  return new Promise((_, reject) => {
    const give = (): void => {
      then?.()
      reject(new Error('no answer in time'))
    }
    if (signal.aborted) give()
    else signal.addEventListener('abort', give, { once: true })
  })
}

/** A connection that came too late for its probe. */
async function giveBackLater(sessions: Http2Sessions, taken: Promise<Http2Session>): Promise<void> {
  try {
    const session = await taken
    session.isRetired = true
    sessions.giveBack(session)
  } catch {
    // There is none.
  }
}
