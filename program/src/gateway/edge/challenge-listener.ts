import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { challengeAnswer } from './acme-certificate.ts'

/** What one ACME listener of TLS wants answered on its plain port. */
export type ChallengeSite = {
  readonly names: readonly string[]
  readonly folder: string
  /** Where its names are served with TLS. */
  readonly httpsPort: () => number
}

const challengePath = '/.well-known/acme-challenge/'

/**
 * Answers HTTP-01 challenges on a port of its own. Everything else about its names is sent on to
 * https, and what is about others is not found.
 *
 * @param sites - Read anew for each request.
 */
export async function openChallengeListener(
  host: string,
  port: number,
  sites: () => readonly ChallengeSite[],
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer(
    {
      maxHeaderSize: 8192,
      headersTimeout: 5000,
      requestTimeout: 5000,
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: 5000,
    },
    (request, response) => {
      answer(request, response, sites()).catch(() => response.destroy())
    },
  )
  server.maxConnections = 1000
  await listen(server, host, port)
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  sites: readonly ChallengeSite[],
): Promise<void> {
  response.shouldKeepAlive = false
  const { url = '', headers } = request
  const text = url.startsWith(challengePath)
    ? await answerIn(sites, url.slice(challengePath.length))
    : undefined
  if (text !== undefined) {
    response.writeHead(200, { 'Content-Type': 'application/octet-stream' }).end(text)
    return
  }
  const name = (headers.host ?? '').replace(/:\d*$/, '').toLowerCase()
  const site = sites.find(({ names }) => names.some((known) => known.toLowerCase() === name))
  const isPath = /^\/[\x21-\x22\x24-\x7e]*$/.test(url)
  if (site === undefined || !isPath || url.startsWith(challengePath)) {
    response.writeHead(404, { 'Content-Length': 0 }).end()
    return
  }
  const port = site.httpsPort()
  const location = `https://${name}${port === 443 ? '' : `:${port}`}${url}`
  response.writeHead(308, { Location: location, 'Content-Length': 0 }).end()
}

async function answerIn(
  sites: readonly ChallengeSite[],
  token: string,
): Promise<string | undefined> {
  for (const { folder } of sites) {
    const text = await challengeAnswer(folder, token)
    if (text !== undefined) return text
  }
  return undefined
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
