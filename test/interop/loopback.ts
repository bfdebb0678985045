import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer, request } from 'node:http'
import type { AddressInfo, Server, Socket } from 'node:net'
import { createServer as createSocketServer } from 'node:net'
import { afterEach } from 'vitest'

const open = new Set<() => Promise<void>>()

afterEach(async () => {
  for (const close of open) await close()
  open.clear()
})

/** Serves on a free port of the loopback interface until the test ends. Returns the origin. */
export async function serve(listener: RequestListener): Promise<string> {
  return await listen(createServer(listener))
}

/** The same for a listener that writes its own bytes. */
export async function serveSockets(listener: (socket: Socket) => void): Promise<string> {
  return await listen(createSocketServer(listener))
}

async function listen(server: Server): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.add(async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export type RawResponse = {
  readonly status: number
  /** Every line of a header, as it came. */
  headerLines(name: string): readonly string[]
  readonly body: string
}

/** A GET whose header lines are sent and read one by one: `fetch` would join them. */
export async function getRaw(
  url: string,
  lines: readonly (readonly [string, string])[] = [],
): Promise<RawResponse> {
  const outgoing = request(url, {
    headers: ['Host', new URL(url).host, ...lines.flat()],
    agent: false,
  })
  outgoing.end()
  const [incoming] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage]
  let body = ''
  for await (const chunk of incoming.setEncoding('utf8')) body += chunk
  return {
    status: incoming.statusCode!,
    body,
    headerLines: (name) =>
      incoming.rawHeaders.filter(
        (_, i, all) => i % 2 === 1 && all[i - 1]!.toLowerCase() === name.toLowerCase(),
      ),
  }
}
