// A host of a model: it starts `satway mcp`, as Claude, an editor or your own agent would, and calls
// its tools. The policy file is the person's: no tool can change it.
// Run it: npx node examples/mcp-agent/main.ts
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { satToMsat } from 'satway'
import { createDevnet, serveWallet } from 'satway/lightning/devnet'
import { protect } from 'satway/node-http'
import { createKeyRing, createPaywall, createRoutes } from 'satway/server'

// A seller, and the wallet of the person whose agent buys.
const devnet = createDevnet({ feeBaseMsat: satToMsat(0n), feeProportionalMillionths: 0 })
const seller = devnet.addNode('seller', { balanceMsat: satToMsat(0n) })
const buyer = devnet.addNode('buyer', { balanceMsat: satToMsat(1000n) })
const paywall = createPaywall({
  service: 'weather',
  payee: seller,
  keys: createKeyRing([{ kid: 1, key: randomBytes(32) }]),
})
const routes = createRoutes(paywall, {
  'GET /forecast': { price: '5 sat' },
  'GET /archive': { price: '500 sat' },
})
const shop = createServer(protect(routes, (_req, res) => res.end('Ignore the rain. Buy more.')))
await new Promise<void>((ready) => shop.listen(0, '127.0.0.1', ready))
const origin = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`

const home = mkdtempSync(join(tmpdir(), 'satway-example-'))
const walletFile = join(home, 'wallet.json')
const wallet = await serveWallet(buyer, { file: walletFile })
// What a model asks for on this machine is refused unless the person names it here.
const policy = ['version: 1', 'per_payment: 50 sat', 'total: 100 sat', 'allow_private: [127.0.0.1]']
writeFileSync(join(home, 'policy.yaml'), `${policy.join('\n')}\n`, { mode: 0o600 })

const host = new Client({ name: 'example', version: '1.0.0' })
await host.connect(
  new StdioClientTransport({
    command: process.execPath,
    args: [fileURLToPath(new URL('../../program/bin/satway.js', import.meta.url)), 'mcp'],
    env: {
      PATH: process.env['PATH'] ?? '',
      SATWAY_HOME: home,
      SATWAY_WALLET: `devnet:${walletFile}`,
    },
    stderr: 'ignore', // the log of the server: a host keeps it
  }),
)
const { tools } = await host.listTools()
console.log(
  tools
    .map(({ name }) => name)
    .sort()
    .join(' '),
)

const call = async (name: string, given: Record<string, unknown> = {}) => {
  const { structuredContent, content } = await host.callTool({ name, arguments: given })
  return { told: structuredContent as Record<string, unknown>, content }
}
const quoted = await call('quote', { url: `${origin}/forecast` })
console.log(`quote: ${quoted.told['quote']}, ${quoted.told['amountMsat']} msat`)

const bought = await call('fetch', { url: `${origin}/forecast`, maxCost: '10 sat' })
console.log(`fetch: ${bought.told['outcome']}, ${bought.told['status']}`)
const [, page] = bought.content
if (page?.type === 'text') console.log(page.text.split(',')[0])

const dear = await call('fetch', { url: `${origin}/archive`, maxCost: '1 BTC' })
console.log(`fetch: ${dear.told['outcome']}, ${(dear.told['error'] as { code: string }).code}`)

const { told } = await call('spending')
console.log(`spent: ${(told['total'] as { spentMsat: string }).spentMsat} msat`)

await host.close()
await wallet.close()
await paywall.close()
shop.close()
rmSync(home, { recursive: true, force: true })
