// Tools for the AI SDK: `fetch`, which pays within a policy, and `quote`, which does not pay. The
// client runs in this process, and the model sees its tools and never its wallet. The model here is
// a mock that says what it is told to; put a real one in its place.
// Run it: npx node examples/vercel-ai-sdk/main.ts
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generateText, isStepCount, tool } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import { formatMsat, satToMsat } from 'satway'
import { createClient } from 'satway/client'
import { createDevnet } from 'satway/lightning/devnet'
import { protect } from 'satway/node-http'
import { createKeyRing, createPaywall, createRoutes } from 'satway/server'
import { z } from 'zod'

const devnet = createDevnet({ feeBaseMsat: satToMsat(0n), feeProportionalMillionths: 0 })
const seller = devnet.addNode('seller', { balanceMsat: satToMsat(0n) })
const agent = devnet.addNode('agent', { balanceMsat: satToMsat(1000n) })
const paywall = createPaywall({
  service: 'weather',
  payee: seller,
  keys: createKeyRing([{ kid: 1, key: randomBytes(32) }]),
})
const routes = createRoutes(paywall, {
  'GET /forecast': { price: '5 sat' },
  'GET /archive': { price: '500 sat' },
})
const shop = createServer(protect(routes, (_req, res) => res.end('rain')))
await new Promise<void>((ready) => shop.listen(0, '127.0.0.1', ready))
const origin = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`

// What may be spent is decided here, by whoever runs the program. No tool can change it.
const client = createClient({
  payer: agent,
  policy: {
    maxPaymentMsat: '50 sat',
    maxTotalMsat: '100 sat',
    // A model chose the URL: this machine is refused unless it is named.
    allowPrivateHosts: ['127.0.0.1'],
  },
})
const untrustedUrl = true
const maxCharacters = 20_000

const url = z.url({ protocol: /^https?$/ })
const tools = {
  quote: tool({
    description: 'Says what a request would cost, and pays nothing.',
    inputSchema: z.strictObject({ url }),
    execute: async ({ url }, { abortSignal }) => {
      const quote = await client.quote(url, { ...signalOf(abortSignal), l402: { untrustedUrl } })
      if (quote.status !== 'payable') return { status: quote.status }
      return { status: quote.status, price: formatMsat(quote.price.amountMsat) }
    },
  }),
  fetch: tool({
    description: 'Makes a request and pays for it if need be, at most maxCost, such as "10 sat".',
    inputSchema: z.strictObject({ url, maxCost: z.string().max(40) }),
    execute: async ({ url, maxCost }, { abortSignal }) => {
      try {
        const l402 = { untrustedUrl, maxCostMsat: maxCost } // it can only tighten the policy
        const response = await client.fetch(url, { ...signalOf(abortSignal), l402 })
        const text = (await response.text()).slice(0, maxCharacters)
        // A stranger wrote it: the model is told so, each time.
        return { outcome: client.outcomeOf(response), status: response.status, untrusted: text }
      } catch (error) {
        const { outcome, code, resume } = client.describe(error)
        return { outcome, code, resume }
      }
    },
  }),
}

const said = await generateText({
  model: mockModel([
    ['quote', { url: `${origin}/forecast` }],
    ['fetch', { url: `${origin}/forecast`, maxCost: '10 sat' }],
    ['fetch', { url: `${origin}/archive`, maxCost: '1 BTC' }],
  ]),
  tools,
  stopWhen: isStepCount(5),
  prompt: 'What will the weather be?',
})
for (const { toolResults } of said.steps) {
  for (const { toolName, output } of toolResults) console.log(toolName, JSON.stringify(output))
}
console.log(said.text)
console.log(`the seller has ${formatMsat(seller.balanceMsat())}`)
await paywall.close()
shop.close()

/** A model that makes these calls, one a step, and then answers. */
function mockModel(calls: readonly (readonly [name: string, given: object])[]) {
  let step = 0
  return new MockLanguageModelV4({
    doGenerate: async () => {
      const call = calls[step++]
      const usage = {
        inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: 0, text: 0, reasoning: 0 },
      }
      if (call === undefined) {
        const content = [{ type: 'text' as const, text: 'It will rain.' }]
        return { content, finishReason: { unified: 'stop', raw: undefined }, usage, warnings: [] }
      }
      const [toolName, given] = call
      const input = JSON.stringify(given)
      const content = [{ type: 'tool-call' as const, toolCallId: `${step}`, toolName, input }]
      return {
        content,
        finishReason: { unified: 'tool-calls', raw: undefined },
        usage,
        warnings: [],
      }
    },
  })
}

function signalOf(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}
