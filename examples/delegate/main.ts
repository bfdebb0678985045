// One token, narrowed for a sub-agent: two requests, GET only. The sub-agent has no wallet, cannot
// widen what it got, and its parent keeps the rest. Run it: npx node examples/delegate/main.ts
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { satToMsat } from 'satway'
import { createClient, createMemoryTokenStore, delegate } from 'satway/client'
import { createDevnet } from 'satway/lightning/devnet'
import { protect } from 'satway/node-http'
import { createKeyRing, createPaywall } from 'satway/server'

const devnet = createDevnet()
const seller = devnet.addNode('seller', { balanceMsat: satToMsat(0n) })
const buyer = devnet.addNode('buyer', { balanceMsat: satToMsat(1000n) })
const paywall = createPaywall({
  service: 'archive',
  payee: seller,
  keys: createKeyRing([{ kid: 1, key: randomBytes(32) }]),
})
const search = paywall.charge({ price: '50 sat', capability: 'search', uses: 100 })
const server = createServer(protect(search, (_req, res) => res.end('found')))

server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/search`

  // The parent buys a hundred searches.
  const tokens = createMemoryTokenStore()
  const parent = createClient({
    payer: buyer,
    tokens,
    policy: { maxPaymentMsat: '100 sat', maxTotalMsat: '100 sat' },
  })
  console.log(`parent: ${(await parent.fetch(url)).status}`)

  // It hands down two of them. No key and no server is needed for that.
  const [bought] = await tokens.list()
  if (bought === undefined) throw new Error('the token was not kept')
  const authorization = delegate(bought, 'request_count <= 2', 'method=GET')

  // The sub-agent knows only this header.
  for (const method of ['GET', 'POST', 'GET', 'GET']) {
    const response = await fetch(url, { method, headers: { authorization } })
    console.log(`child ${method}: ${response.status}`)
  }
  console.log(`parent: ${(await parent.fetch(url)).status}`)
  await paywall.close()
  server.close()
})
