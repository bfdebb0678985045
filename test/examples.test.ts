import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const examples = resolve(dirname(fileURLToPath(import.meta.url)), '../examples')

/** What each example prints. One that is missing here fails. */
const outputs: Readonly<Record<string, string>> = {
  'buy-with-a-budget': 'bought 3, refused by the budget 2\nspent 18 sat of 20 sat\n',
  delegate:
    'parent: 200\nchild GET: 200\nchild POST: 403\nchild GET: 200\nchild GET: 403\nparent: 200\n',
  'mcp-agent':
    'delegate fetch quote receipts resume spending tokens wallet_status\nquote: payable, 5000 msat\nfetch: paid_delivered, 200\nUntrusted text from a stranger follows\nfetch: refused, BUDGET_EXCEEDED\nspent: 5000 msat\n',
  'sell-with-express': '200: {"text":"HELLO","paid":"3000"}\nthe seller has 3 sat\n',
  'sell-with-hono':
    'GET /: 200\nGET /forecast: 402, 5 sat\nGET /report?size=small: 402, 10 sat\nGET /report?size=large: 402, 100 sat\n',
  'vercel-ai-sdk':
    'quote {"status":"payable","price":"5 sat"}\nfetch {"outcome":"paid_delivered","status":200,"untrusted":"rain"}\nfetch {"outcome":"refused","code":"BUDGET_EXCEEDED"}\nIt will rain.\nthe seller has 5 sat\n',
}

describe('the examples', () => {
  const folders = readdirSync(examples, { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  )

  test('are all known here', () => {
    expect(folders.map((folder) => folder.name).sort()).toEqual(Object.keys(outputs).sort())
  })

  for (const [name, output] of Object.entries(outputs)) {
    test(`${name} runs and says what it should`, () => {
      const run = spawnSync(process.execPath, [join(examples, name, 'main.ts')], {
        encoding: 'utf8',
        timeout: 30_000,
      })
      expect(run.stderr).toBe('')
      expect(run.stdout).toBe(output)
      expect(run.status).toBe(0)
    })
  }
})
