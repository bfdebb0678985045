import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { readConfig } from '../../program/src/gateway/config/index.ts'
import { parseJson } from '../../program/src/gateway/pricing/json-call.ts'
import { readPricerAnswer } from '../../program/src/gateway/pricing/pricer-answer.ts'

// The configurations and answers that the documents show are read as they stand there.

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')

function blocksOf(page: string, language: string): string[] {
  const text = readFileSync(join(root, page), 'utf8')
  const blocks = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm')
  return [...text.matchAll(blocks)].map((match) => match[1]!)
}

async function mistakesIn(text: string): Promise<unknown> {
  const reading = await readConfig(text, { file: join(root, 'satway.yaml'), env: {} })
  return 'mistakes' in reading ? reading.mistakes : reading.warnings
}

/** A piece of a configuration, put where it belongs: alone, in a service, or among its routes. */
function whole(block: string): string {
  const indent = (text: string, by: number): string => text.replace(/^(?=.)/gm, ' '.repeat(by))
  const service = 'services:\n  - name: shop\n    upstream: http://127.0.0.1:3000\n'
  if (/^[A-Z]+ \//.test(block)) return `${service}    routes:\n${indent(block, 6)}`
  if (/^(routes|defaults):/.test(block)) return service + indent(block, 4)
  return /^services:/m.test(block) ? block : `${block}${service}    routes: { GET /a: 10 sat }\n`
}

test('R-PRC-1 R-PRC-2 R-PRC-10 the configurations of docs/pricing.md have no mistake', async () => {
  const blocks = blocksOf('docs/pricing.md', 'yaml')
  const services = blocks.find((block) => block.startsWith('services:'))
  const rates = blocks.find((block) => block.startsWith('rates:'))
  expect(await mistakesIn(['wallet: devnet', rates, services].join('\n'))).toEqual([])
  const others = blocks.filter((block) => block !== services && block !== rates)
  expect(others.length).toBeGreaterThan(3)
  for (const block of others) {
    expect(await mistakesIn(`wallet: devnet\n${whole(block)}`), block).toEqual([])
  }
})

test('R-FA-2 the configuration of docs/forward-auth.md has no mistake', async () => {
  const [first = ''] = blocksOf('docs/forward-auth.md', 'yaml')
  expect(first).toContain('forward_auth: nginx')
  expect(await mistakesIn(first)).toEqual([])
  expect(await mistakesIn(first.replace('forward_auth: nginx', 'forward_auth: forward'))).toEqual(
    [],
  )
})

test('R-PRC-11 R-PRC-12 the answers of docs/pricing.md are read', () => {
  const answers = blocksOf('docs/pricing.md', 'json').slice(1)
  expect(answers.map((text) => readPricerAnswer(parseJson(text)).amounts?.amountMsat)).toEqual([
    2500n,
    2500n,
    undefined,
  ])
})
