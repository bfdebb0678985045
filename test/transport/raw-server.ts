import type { AddressInfo, ServerOpts, Socket } from 'node:net'
import { createServer } from 'node:net'
import { afterEach } from 'vitest'

/** A loopback server that answers with bytes, whatever they are. */
export type RawServer = {
  readonly port: number
  readonly url: string
  /** What arrived, one text for each request. */
  readonly requests: readonly string[]
  /** Every connection so far. */
  readonly sockets: readonly Socket[]
}

/** What to answer: bytes, after which the connection is closed; or by hand. */
export type RawAnswer = string | Buffer | ((socket: Socket, request: string) => void)

const closers: (() => Promise<void>)[] = []

/** Closes what the test of now opened, when it has ended. */
export function closeAfterTest(close: () => Promise<void>): void {
  closers.push(close)
}

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

export async function startRaw(answer: RawAnswer): Promise<RawServer> {
  const requests: string[] = []
  const server = await listen({}, (socket) => {
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (!isWhole(text)) return
      const request = text
      text = ''
      requests.push(request)
      if (typeof answer === 'function') answer(socket, request)
      else socket.end(answer)
    })
  })
  return { ...server, requests }
}

/** The same at another address of this machine. */
export async function startRawAt(host: string, port: number, answer: string): Promise<RawServer> {
  const requests: string[] = []
  const accept = (socket: Socket): void => {
    socket.on('data', (chunk) => {
      requests.push(chunk.toString('latin1'))
      socket.end(answer)
    })
  }
  return { ...(await listen({}, accept, host, port)), requests }
}

/** A loopback server that accepts connections and reads nothing. */
export async function startDeaf(): Promise<Pick<RawServer, 'url' | 'sockets'>> {
  return listen({ pauseOnConnect: true }, () => undefined)
}

/** A loopback server that answers as soon as anything arrives, and does not end. */
export async function startEager(
  bytes: string | Buffer,
): Promise<Pick<RawServer, 'url' | 'sockets'>> {
  return listen({}, (socket) => socket.once('data', () => socket.write(bytes)))
}

/** A port at which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function listen(
  options: ServerOpts,
  accept: (socket: Socket) => void,
  host = '127.0.0.1',
  at = 0,
): Promise<Pick<RawServer, 'url' | 'port' | 'sockets'>> {
  const sockets: Socket[] = []
  const server = createServer(options, (socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    accept(socket)
  })
  await new Promise<void>((resolve) => server.listen(at, host, resolve))
  closeAfterTest(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  )
  const { port } = server.address() as AddressInfo
  return { port, url: `http://${host}:${port}`, sockets }
}

/** A head, and as much body as it announces. */
function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return false
  const body = text.slice(end + 4)
  if (/\r\ntransfer-encoding: chunked/i.test(text)) return body.endsWith('0\r\n\r\n')
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end + 2))
  return length === null || body.length >= Number(length[1])
}

/** What a promise rejected with, and how. */
export async function caught(
  work: Promise<unknown>,
): Promise<{ readonly error: Error; readonly code: unknown; readonly message: string }> {
  try {
    await work
  } catch (error) {
    if (!(error instanceof Error)) throw new Error('expected an error', { cause: error })
    const cause = error.cause as { code?: unknown; message?: string } | undefined
    return { error, code: cause?.code, message: String(cause?.message) }
  }
  throw new Error('expected a rejection')
}

/**
 * Lets what has arrived be dealt with: a connection goes back to its pool, an end is heard of. That
 * takes turns of the loop, and no time.
 */
export async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Waits until something is so, for at most twenty seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!condition()) {
    if (performance.now() > end) throw new Error('it did not come to be')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
