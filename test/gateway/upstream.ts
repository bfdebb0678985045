import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Seen = {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** An upstream that remembers what reached it, and does what a test tells it to. */
export type TestUpstream = {
  readonly url: string
  readonly port: number
  readonly seen: readonly Seen[]
  /** What the next requests get; default 200 and `served`. */
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => unknown
  close(): Promise<void>
}

export async function openUpstream(): Promise<TestUpstream> {
  const seen: Seen[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) body += chunk.toString('utf8')
    } catch {
      return // it broke off
    }
    const { method = '', url = '', headers } = request
    seen.push({ method, url, headers, body })
    await upstream.answer(request, response, body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const upstream: TestUpstream = {
    url: `http://127.0.0.1:${port}`,
    port,
    seen,
    answer: (_request, response) => response.end('served'),
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
  return upstream
}
