// Sells two routes of a Hono app over Lightning, on the embedded network, and asks for them as a
// stranger does. Run it: npx node examples/sell-with-hono/main.ts

import { randomBytes } from 'node:crypto'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { satToMsat } from 'satway'
import { l402 } from 'satway/hono'
import { createDevnet } from 'satway/lightning/devnet'
import { createKeyRing, createPaywall } from 'satway/server'

// The node that is paid. For real money it is another adapter of `satway/lightning`; nothing below
// changes with it.
const seller = createDevnet().addNode('seller', { balanceMsat: satToMsat(0n) })

const paywall = createPaywall({
  service: 'weather',
  payee: seller,
  // Kept in a secret store in real life: with a new key, tokens sold under the old one end.
  keys: createKeyRing([{ kid: 1, key: randomBytes(32) }]),
})

// An hour of forecasts for 5 sat, and one report at a price that depends on what is asked for.
const forecast = paywall.charge({ price: '5 sat', capability: 'forecast', lifetimeSeconds: 3600 })
const report = paywall.charge({
  price: ({ query }) => (query('size') === 'large' ? '100 sat' : '10 sat'),
  capability: 'report',
  uses: 1,
})

const app = new Hono()
app.get('/', (c) => c.text('free: what this is'))
app.get('/forecast', l402(forecast), (c) =>
  c.json({ sky: 'clear', paid: c.get('l402')?.paymentHash }),
)
app.get('/report', l402(report), (c) => c.json({ pages: c.req.query('size') === 'large' ? 40 : 4 }))

const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, async ({ port }) => {
  for (const path of ['/', '/forecast', '/report?size=small', '/report?size=large']) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    const problem =
      response.status === 402 ? ((await response.json()) as { price: string }) : undefined
    console.log(`GET ${path}: ${response.status}${problem ? `, ${problem.price} sat` : ''}`)
  }
  await paywall.close()
  server.close()
})
