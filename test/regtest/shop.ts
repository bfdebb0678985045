import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Payee } from '../../library/src/lightning/index.ts'
import { protect } from '../../library/src/middleware/node-http/index.ts'
import type { Gate } from '../../library/src/server/index.ts'
import { createKeyRing, createPaywall } from '../../library/src/server/index.ts'

/** Sells every path of `/item/` for 10 sat. The item is what its invoice says. */
export type Shop = {
  readonly origin: string
  /** How often an item was delivered. */
  delivered(item: string): number
  close(): Promise<void>
}

export async function openShop(payee: Payee): Promise<Shop> {
  const delivered = new Map<string, number>()
  const gates = new Map<string, Gate>()
  const plenty = { burst: 1e6, perMinute: 1e6, globalBurst: 1e6, globalPerMinute: 1e6 }
  const paywall = createPaywall({
    service: 'regtest',
    payee,
    keys: createKeyRing([{ kid: 1, key: new Uint8Array(32).fill(7) }]),
    issuance: plenty,
  })
  const gateOf = (item: string): Gate => {
    // Limited, so that every buyer gets an invoice of his own: two payments would be two.
    const charge = { price: '10 sat', capability: item, uses: 1000, description: item }
    const gate = gates.get(item) ?? paywall.charge(charge)
    gates.set(item, gate)
    return gate
  }
  const server = createServer((request, response) => {
    const item = (request.url ?? '').slice('/item/'.length)
    if (!/^[a-z0-9.-]{1,40}$/.test(item)) {
      response.writeHead(404).end()
      return
    }
    void protect(gateOf(item), () => {
      delivered.set(item, (delivered.get(item) ?? 0) + 1)
      response.end(`item ${item}`)
    })(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    delivered: (item) => delivered.get(item) ?? 0,
    close: async () => {
      await paywall.close()
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
