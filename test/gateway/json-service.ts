import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** A service of the operator's on loopback: rates, or prices. */
export type JsonService = {
  readonly url: string
  /** What it was asked: the bodies, in order, empty texts for GET. */
  readonly asked: string[]
  readonly requests: IncomingMessage[]
  /** What the next answers are. */
  answer: (body: string, response: ServerResponse) => void
  /** Connections so far. */
  connections(): number
  close(): Promise<void>
}

/** An answer of JSON text. */
export function json(text: string, status: number = 200): JsonService['answer'] {
  return (_, response) =>
    void response.writeHead(status, { 'Content-Type': 'application/json' }).end(text)
}

export async function openJsonService(first: string): Promise<JsonService> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    service.asked.push(body)
    service.requests.push(request)
    service.answer(body, response)
  })
  server.on('connection', (socket) => {
    connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const service: JsonService = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    asked: [],
    requests: [],
    answer: json(first),
    connections: () => connections,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      if (server.listening) await new Promise((resolve) => server.close(resolve))
    },
  }
  return service
}
