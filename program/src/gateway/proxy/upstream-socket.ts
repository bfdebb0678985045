import type { Socket } from 'node:net'
import { connect as connectTcp, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { UpstreamConfig } from '../config/index.ts'

/**
 * Connects to an upstream, and proves who answers: the certificate is verified whatever the
 * environment says.
 *
 * @param protocol - What is spoken on the connection. Over TLS an upstream has to agree to `h2`.
 * @throws {Error} what the system says; with code `ETIMEDOUT` after `connectMs`, and with the reason
 *   of `signal` when that ends the wait.
 */
export function connectUpstream(
  config: UpstreamConfig,
  protocol: 'http/1.1' | 'h2',
  signal?: AbortSignal,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  if (signal?.aborted === true) return Promise.reject(signal.reason)
  const isSecure = config.url.protocol === 'https:'
  const socket = isSecure ? openTls(config, protocol) : openTcp(config, protocol)
  const timer = setTimeout(() => fail(timedOut()), config.connectMs)

  const stop = (): void => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
    socket.off('error', fail)
    socket.off('close', close)
  }
  const fail = (error: unknown): void => {
    stop()
    // One that still fails while it is thrown away has nobody left to tell.
    socket.on('error', ignore)
    socket.destroy()
    reject(error)
  }
  const abort = (): void => fail(signal?.reason)
  const close = (): void => fail(new Error('the upstream closed the connection'))

  signal?.addEventListener('abort', abort, { once: true })
  socket.once('error', fail)
  socket.once('close', close)
  socket.once(isSecure ? 'secureConnect' : 'connect', () => {
    const isRefused = protocol === 'h2' && 'alpnProtocol' in socket && socket.alpnProtocol !== 'h2'
    if (isRefused) return fail(new Error('the upstream does not speak HTTP/2'))
    stop()
    resolve(socket)
  })
  return promise
}

/** Whether a connection was not made in time. */
export function isConnectTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ETIMEDOUT'
}

function openTcp(config: UpstreamConfig, protocol: 'http/1.1' | 'h2'): Socket {
  return connectTcp(place(config, protocol))
}

function openTls(config: UpstreamConfig, protocol: 'http/1.1' | 'h2'): Socket {
  const { ca, serverName, url } = config
  const name = serverName ?? bareHost(url)
  return connectTls({
    ...place(config, protocol),
    rejectUnauthorized: true,
    ALPNProtocols: [protocol],
    // An address is no server name: its certificate is checked by the address.
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(ca === undefined ? {} : { ca }),
  })
}

function place(
  { url }: UpstreamConfig,
  protocol: 'http/1.1' | 'h2',
): { host: string; port: number; noDelay: true; allowHalfOpen: boolean } {
  const usual = url.protocol === 'https:' ? 443 : 80
  return {
    host: bareHost(url),
    port: url.port === '' ? usual : Number(url.port),
    noDelay: true,
    // A WebSocket may end one way before the other.
    allowHalfOpen: protocol === 'http/1.1',
  }
}

function bareHost({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

function timedOut(): Error {
  return Object.assign(new Error('the upstream did not take the connection in time'), {
    code: 'ETIMEDOUT',
  })
}

function ignore(): void {
  // The caller was told of the first failure.
}
