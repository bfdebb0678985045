import { randomBytes } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { join } from 'node:path'
import { satToMsat } from '../../library/src/amount/index.ts'
import type { DevnetNode } from '../../library/src/lightning/devnet/index.ts'
import { createDevnet, serveWallet } from '../../library/src/lightning/devnet/index.ts'
import { protect } from '../../library/src/middleware/node-http/index.ts'
import type { RouteTable } from '../../library/src/server/index.ts'
import { createKeyRing, createPaywall, createRoutes } from '../../library/src/server/index.ts'
import { generateCertificate } from '../../program/src/gateway/edge/generated-certificate.ts'

export type Serve = (request: IncomingMessage, response: ServerResponse) => void

/** A seller whose tokens are good until they expire, and the wallet of a buyer, in this process. */
export type Shop = {
  readonly url: string
  /** What `--wallet` and SATWAY_WALLET take. */
  readonly wallet: string
  readonly buyer: DevnetNode
  /** Every request that arrived. */
  readonly seen: IncomingMessage[]
  /** What has left the wallet, fees included. */
  spentMsat(): bigint
  /** What answers from now on where nothing is asked for any more. */
  serve(answer: Serve): void
  close(): Promise<void>
}

const startMsat = satToMsat(100_000n)

/** @param folder - For the address of the wallet. */
export async function openShop(
  folder: string,
  routes: RouteTable,
  options: { readonly tls?: boolean } = {},
): Promise<Shop> {
  const devnet = createDevnet()
  const seller = devnet.addNode('seller', { balanceMsat: satToMsat(0n) })
  const buyer = devnet.addNode('buyer', { balanceMsat: startMsat })
  const file = join(folder, `wallet-${randomBytes(4).toString('hex')}.json`)
  const wallet = await serveWallet(buyer, { file })
  const paywall = createPaywall({
    service: 'shop',
    payee: seller,
    keys: createKeyRing([{ kid: 1, key: randomBytes(32) }]),
  })
  let answer: Serve = (_, response) => response.end('goods')
  const guarded = protect(createRoutes(paywall, routes), (request, response) =>
    answer(request, response),
  )
  const seen: IncomingMessage[] = []
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    seen.push(request)
    void guarded(request, response)
  }
  const server = options.tls === true ? await secure(listener) : createServer(listener)
  const port = await listen(server)
  return {
    url: `${options.tls === true ? 'https' : 'http'}://127.0.0.1:${port}`,
    wallet: `devnet:${file}`,
    buyer,
    seen,
    spentMsat: () => startMsat - buyer.balanceMsat(),
    serve: (given) => {
      answer = given
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await wallet.close()
      await paywall.close()
    },
  }
}

async function secure(
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  const { certificate: cert, key } = await generateCertificate(['127.0.0.1'])
  return createSecureServer({ cert, key }, listener) as unknown as Server
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
