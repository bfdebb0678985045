import { readFileSync } from 'node:fs'
import type { IncomingMessage, Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { WebSocket } from 'ws'
import { WebSocketServer } from 'ws'
import type { Gate } from '../../library/src/server/index.ts'
import type { ForwardAuthOptions } from '../../program/src/gateway/forward-auth/index.ts'
import { createForwardAuth } from '../../program/src/gateway/forward-auth/index.ts'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')

/** A block of code out of docs/forward-auth.md: what is tested is what is documented. */
export function documented(language: 'nginx' | 'caddyfile'): string {
  const text = readFileSync(join(root, 'docs/forward-auth.md'), 'utf8')
  const block = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'm').exec(text)
  if (block === null) throw new Error(`docs/forward-auth.md has no ${language}`)
  return block[1]!
}

export type Seen = {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly names: readonly string[]
}

/** An application that knows nothing of payment, and keeps what reached it. */
export type App = {
  readonly port: number
  readonly seen: Seen[]
  /** What the next answers are like. */
  answer: { status: number; headers: Readonly<Record<string, string>> }
  close(): Promise<void>
}

export async function openApp(): Promise<App> {
  const seen: Seen[] = []
  const app: { answer: App['answer'] } = { answer: { status: 200, headers: {} } }
  const see = ({ method = '', url = '', headers, rawHeaders }: IncomingMessage): void => {
    const names = rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
    seen.push({ method, url, headers, names })
  }
  const server = createServer((request, response) => {
    see(request)
    request.resume()
    response.writeHead(app.answer.status, app.answer.headers)
    response.end(`served ${request.url}`)
  })
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    see(request)
    sockets.handleUpgrade(request, socket, head, (client: WebSocket) => {
      client.on('message', (data) => client.send(`echo ${String(data)}`))
    })
  })
  const { port, close } = await open(server)
  return {
    port,
    seen,
    get answer() {
      return app.answer
    },
    set answer(answer) {
      app.answer = answer
    },
    close,
  }
}

/** Satway as a proxy sees it. */
export type Endpoint = {
  readonly port: number
  /** How often it was asked. */
  asked(): number
  close(): Promise<void>
  /** On the same port. */
  reopen(): Promise<void>
}

export async function openEndpoint(
  gate: Gate,
  options: Pick<ForwardAuthOptions, 'mode'> & Partial<ForwardAuthOptions>,
): Promise<Endpoint> {
  let asked = 0
  const answer = createForwardAuth({
    // The sources of the library and its built package name the same types twice.
    decide: gate as unknown as ForwardAuthOptions['decide'],
    isTrusted: (address) => address === '127.0.0.1',
    ...options,
  })
  const server = createServer((request, response) => {
    asked++
    answer({
      request,
      response,
      peer: { address: request.socket.remoteAddress ?? '', isEncrypted: false },
    })
  })
  const { port, close } = await open(server)
  return {
    port,
    close,
    asked: () => asked,
    reopen: () => new Promise((done) => server.listen(port, '127.0.0.1', () => done())),
  }
}

async function open(server: Server): Promise<{ port: number; close: () => Promise<void> }> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      if (server.listening) await new Promise((done) => server.close(done))
    },
  }
}
