import type { EdgeLimits, ListenerConfig } from '../config/index.ts'
import type { Handler } from '../proxy/index.ts'
import type { ChallengeSite } from './challenge-listener.ts'
import { openChallengeListener } from './challenge-listener.ts'
import { ConnectionLimit } from './connection-limit.ts'
import { Listener } from './listener.ts'

export type EdgeOptions = {
  readonly listen: readonly ListenerConfig[]
  readonly limits: EdgeLimits
  /** One for all listeners, or each listener's own. */
  readonly handler: Handler | ((listener: ListenerConfig) => Handler)
  /** Told of the number of open connections whenever it changes. */
  readonly onConnections?: (open: number) => void
  /**
   * Addresses that carry many clients, and so have no limit of connections of their own: proxies
   * whose `X-Forwarded-For` is trusted. Asked for each connection. Default: none.
   */
  readonly carriesMany?: (address: string) => boolean
  /** Shares each port with other processes, among which the kernel deals out connections. */
  readonly reusePort?: boolean
  /** What an operator should read. */
  readonly log?: (message: string) => void
}

/** What is listened on. */
export type Listeners = {
  /** In the order of the configuration, with the ports that were found. */
  readonly addresses: readonly {
    readonly host: string
    readonly port: number
    readonly scheme: 'http' | 'https'
  }[]
  /**
   * Takes certificates from another configuration, for connections from now on. Listeners are told
   * apart by host and port; what else has changed about them takes a restart.
   *
   * @throws {Error} when a certificate is not usable: that listener keeps its own.
   */
  renew(listen: readonly ListenerConfig[]): Promise<void>
  /**
   * Stops accepting, ends idle connections, tells HTTP/2 clients to go, and waits for what is under
   * way: at most `timeoutMs`, then it is cut. Never rejects.
   */
  close(timeoutMs: number): Promise<void>
}

/**
 * Opens all listeners of a configuration, or none.
 *
 * A listener with ACME is open before it has a certificate, and ends connections until then.
 *
 * @throws {Error} when an address cannot be had, or a certificate is not usable.
 */
export async function openListeners(options: EdgeOptions): Promise<Listeners> {
  const { limits, onConnections = ignore, log = ignore } = options
  const count = new ConnectionLimit(
    limits.connections,
    limits.connectionsPerClient,
    options.carriesMany ?? (() => false),
  )
  const listeners: Listener[] = []
  const challenges: { close(): Promise<void> }[] = []
  const close = async (timeoutMs: number): Promise<void> => {
    const parts = [...listeners.map((listener) => listener.close(timeoutMs))]
    await Promise.all([...parts, ...challenges.map((listener) => listener.close())])
  }
  try {
    const sites = new Map<string, ChallengeSite[]>()
    for (const config of options.listen) {
      const handler =
        typeof options.handler === 'function' ? options.handler(config) : options.handler
      const listener = new Listener(config, {
        limits,
        handler,
        count,
        onConnections,
        log,
        reusePort: options.reusePort === true,
      })
      listeners.push(listener)
      // Before an order begins: its challenges come at once.
      await openChallenges(listener, sites, challenges)
      await listener.open()
    }
  } catch (error) {
    await close(0)
    throw error
  }
  return {
    addresses: listeners.map(({ host, port, scheme }) => ({ host, port, scheme })),
    async renew(listen) {
      const renewed = listeners.map(async (listener) => {
        const next = listen.find(({ host, port }) => isAt(listener, host, port))
        if (next?.tls !== undefined) await listener.renew(next.tls)
      })
      await Promise.all(renewed)
    },
    close,
  }
}

/** Listeners whose challenges are answered on one port share what listens there. */
async function openChallenges(
  listener: Listener,
  sites: Map<string, ChallengeSite[]>,
  opened: { close(): Promise<void> }[],
): Promise<void> {
  const { tls } = listener.config
  if (tls?.kind !== 'acme') return
  const { httpHost, httpPort, names, folder } = tls
  const site = { names, folder, httpsPort: () => listener.port }
  const key = `${httpHost} ${httpPort}`
  const there = sites.get(key)
  if (there !== undefined) {
    there.push(site)
    return
  }
  const list = [site]
  sites.set(key, list)
  opened.push(await openChallengeListener(httpHost, httpPort, () => list))
}

function isAt(listener: Listener, host: string, port: number): boolean {
  return listener.config.host === host && listener.config.port === port
}

function ignore(): void {}
