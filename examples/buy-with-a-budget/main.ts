// An agent that may spend 20 sat asks for five things at 6 sat each, all at once. It gets three.
// Run it: npx node examples/buy-with-a-budget/main.ts
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { formatMsat, isL402Error, satToMsat } from 'satway'
import { createClient } from 'satway/client'
import { createDevnet } from 'satway/lightning/devnet'
import { protect } from 'satway/node-http'
import { createKeyRing, createPaywall, createRoutes } from 'satway/server'

const devnet = createDevnet({ feeBaseMsat: satToMsat(0n), feeProportionalMillionths: 0 })
const seller = devnet.addNode('seller', { balanceMsat: satToMsat(0n) })
const agent = devnet.addNode('agent', { balanceMsat: satToMsat(1000n) })

// Whatever the table does not list is refused; there is no way around a price by spelling a path.
const paywall = createPaywall({
  service: 'facts',
  payee: seller,
  keys: createKeyRing([{ kid: 1, key: randomBytes(32) }]),
})
const routes = createRoutes(paywall, {
  'GET /': 'free',
  'GET /facts/:id': { price: ({ path }) => (path === '/facts/0' ? null : '6 sat') },
})
const server = createServer(protect(routes, (req, res) => res.end(`fact for ${req.url}`)))

server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address() as AddressInfo
  const client = createClient({
    payer: agent,
    policy: {
      maxPaymentMsat: '10 sat',
      maxTotalMsat: '20 sat',
      maxFeeMsat: '0 sat',
      allowHosts: ['127.0.0.1'],
    },
  })
  const asked = [1, 2, 3, 4, 5].map(async (id) => {
    const response = await client.fetch(`http://127.0.0.1:${port}/facts/${id}`)
    return response.text()
  })
  const answers = await Promise.allSettled(asked)
  const bought = answers.filter((answer) => answer.status === 'fulfilled')
  const refused = answers.filter(
    (answer) => answer.status === 'rejected' && isL402Error(answer.reason, 'BUDGET_EXCEEDED'),
  )
  console.log(`bought ${bought.length}, refused by the budget ${refused.length}`)
  console.log(`spent ${formatMsat(seller.balanceMsat())} of 20 sat`)
  await paywall.close()
  server.close()
})
