import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'

export type HostileUpstream = {
  readonly url: string
  /** What requests for `/hostile` are answered with; bytes are text of latin1. */
  script: (socket: Socket) => unknown
  /** Connections so far. */
  connections(): number
  close(): Promise<void>
}

/** What `/good` is answered with: its own query, so that each answer can be told. */
const good = /^GET \/good\?(\w+) HTTP/

/**
 * An upstream that speaks no HTTP but writes bytes. `/good?x` is answered as it should be, with `x`;
 * what else it is asked for it answers as the script says.
 */
export async function openHostile(): Promise<HostileUpstream> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer({ allowHalfOpen: false }, (socket) => {
    connections++
    // What is written leaves at once, as with any server of HTTP.
    socket.setNoDelay(true)
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    let text = ''
    socket.on('data', (part: Buffer) => {
      text += part.toString('latin1')
      while (text.includes('\r\n\r\n')) {
        const head = text.slice(0, text.indexOf('\r\n\r\n') + 4)
        text = text.slice(head.length)
        const name = good.exec(head)?.[1]
        if (name === undefined) upstream.script(socket)
        else socket.write(answerOf(name))
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const upstream: HostileUpstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    script: (socket) => socket.destroy(),
    connections: () => connections,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  return upstream
}

/** A whole answer with a body. */
export function answerOf(body: string, ...lines: readonly string[]): string {
  return ['HTTP/1.1 200 OK', `Content-Length: ${body.length}`, ...lines, '', body].join('\r\n')
}
