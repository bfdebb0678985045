import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import type { Journal } from '../../library/src/journal/index.ts'
import { openJournal } from '../../library/src/journal/index.ts'
import type { RouteTable } from '../../library/src/server/index.ts'
import type { Agent } from '../../program/src/agent/index.ts'
import { openAgent } from '../../program/src/agent/index.ts'
import type { Shop } from '../e2e/shop.ts'
import { openShop } from '../e2e/shop.ts'

/** A home with a policy of its own, a wallet with devnet money, and a shop to spend it at. */
export type Spender = {
  readonly home: string
  readonly shop: Shop
  /** Buys as `satway get` does: through the agent of this home. */
  buy(...paths: readonly string[]): Promise<void>
  /** The journal of this home, for as long as `use` takes. */
  withJournal<Result>(use: (journal: Journal) => Promise<Result>): Promise<Result>
  withAgent<Result>(use: (agent: Agent) => Promise<Result>): Promise<Result>
}

const closers: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

const plainPolicy = 'version: 1\nper_payment: 1000 sat\ntotal: 100000 sat\n'

export const shopRoutes: RouteTable = {
  'GET /weather': { price: '10 sat', capability: 'forecast' },
  'GET /report/*': { price: '25 sat', capability: 'report' },
}

export function makeHome(policy: string = plainPolicy): string {
  const home = mkdtempSync(join(tmpdir(), 'satway-spender-'))
  closers.push(() => rmSync(home, { recursive: true, force: true }))
  writeFileSync(join(home, 'policy.yaml'), policy, { mode: 0o600 })
  // The keychain of the machine is none of a test's business.
  writeFileSync(join(home, 'config.yaml'), 'key: file\n', { mode: 0o600 })
  return home
}

export async function openSpender(policy?: string): Promise<Spender> {
  const home = makeHome(policy)
  const shop = await openShop(home, shopRoutes)
  closers.push(() => shop.close())
  const withAgent: Spender['withAgent'] = async (use) => {
    const ask = { kind: 'queue', waitSeconds: 0 } as const
    const agent = await openAgent({ home, wallet: shop.wallet, ask })
    try {
      return await use(agent)
    } finally {
      await agent.close()
    }
  }
  return {
    home,
    shop,
    withAgent,
    buy: (...paths) =>
      withAgent(async ({ client }) => {
        for (const path of paths) await (await client.fetch(`${shop.url}${path}`)).text()
      }),
    withJournal: async (use) => {
      const journal = await openJournal({ path: join(home, 'journal.db'), key: 'file' })
      try {
        return await use(journal)
      } finally {
        await journal.close()
      }
    },
  }
}
