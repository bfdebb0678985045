import type { UpstreamConfig } from '../config/index.ts'
import type { Connections } from './connections.ts'
import type { Upstream } from './forward.ts'
import type { RequestRules } from './headers.ts'

type Probe = Awaited<ReturnType<Upstream['probe']>>

/**
 * Asks an upstream whether it is there: by its health path, where any answer below 500 counts, or by
 * a connection alone. Takes a new connection: one that is kept proves nothing. Never rejects.
 *
 * @spec gateway.md R-FWD-24
 */
export async function probeHttp1(
  config: UpstreamConfig,
  rules: RequestRules,
  connections: Connections,
  signal: AbortSignal,
): Promise<Probe> {
  try {
    const status = await ask(config, rules, connections, signal)
    if (status === undefined) return { ok: true, detail: 'connected' }
    return { ok: status < 500, detail: `status ${status}` }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no connection'
    return { ok: false, detail: code }
  }
}

/** The status of the answer; `undefined` where only a connection was asked for. */
async function ask(
  { healthPath, connectMs, headMs }: UpstreamConfig,
  rules: RequestRules,
  connections: Connections,
  signal: AbortSignal,
): Promise<number | undefined> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(connectMs + headMs)])
  if (healthPath === undefined) {
    await Promise.race([connections.tryToConnect(), aborted(limit)])
    return undefined
  }
  const connection = connections.takeNew()
  const headers = ['Host', rules.authority, ...rules.configured]
  try {
    return await Promise.race([
      new Promise<number>((resolve, reject) => {
        connection.dispatch(
          { path: healthPath, method: 'GET', headers },
          {
            onRequestStart: ignore,
            onResponseStart: (_, status) => status >= 200 && resolve(status),
            onResponseData: ignore,
            onResponseEnd: ignore,
            onResponseError: (_, error) => reject(error),
          },
        )
      }),
      aborted(limit),
    ])
  } finally {
    connections.drop(connection)
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const give = (): void => reject(new Error('no answer in time'))
    if (signal.aborted) give()
    else signal.addEventListener('abort', give, { once: true })
  })
}

function ignore(): void {
  // Only the status is asked for.
}
