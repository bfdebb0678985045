import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'

// The code in the documents: all of it compiles, and the shop of the README runs.

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const folder = mkdtempSync(join(tmpdir(), 'satway-snippets-'))
symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const pages = ['README.md', 'docs/selling.md', 'docs/buying.md', 'library/README.md']

/** What the pages speak of without making it. */
const surroundings = `
import type { Payee, Payer } from 'satway/lightning'
import type { Client, TokenStore } from 'satway/client'
import type { KeyRing, Paywall } from 'satway/server'
import type { Express, RequestHandler } from 'express'
declare global {
  const payee: Payee
  const payer: Payer
  const keys: KeyRing
  const service: string
  const tokens: { list(): Promise<[import('satway/client').StoredToken]> }
  const app: Express
  const handler: RequestHandler
  const client: Client
  const paywall: Paywall
  const url: string
  const init: RequestInit
  const count: (event: unknown) => void
  const store: TokenStore
}
`

function blocksOf(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => match[1]!)
}

describe('the code in the documents', () => {
  const blocks = pages.flatMap((page) => blocksOf(page))

  test('compiles, under every strict flag', () => {
    expect(blocks.length).toBeGreaterThan(8)
    writeFileSync(join(folder, 'surroundings.d.ts'), surroundings)
    for (const [i, block] of blocks.entries()) {
      writeFileSync(join(folder, `block-${i}.ts`), `${block}\nexport {}\n`)
    }
    const options = {
      module: 'nodenext',
      target: 'es2023',
      lib: ['es2024', 'dom'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: true,
      noEmit: true,
      types: ['node'],
    }
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: options, include: ['*.ts'] }),
    )
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const done = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })
    expect(done.stdout).toBe('')
  })

  test('the shop of the README sells to the wallet of the README', async () => {
    const shop = blocks.find((block) => block.startsWith('// shop.ts'))
    if (shop === undefined) throw new Error('the README has no shop.ts')
    const port = 20_000 + (process.pid % 20_000)
    writeFileSync(join(folder, 'shop.ts'), shop.replace('8080', String(port)))
    const server = spawn(process.execPath, ['shop.ts'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    try {
      const url = `http://127.0.0.1:${port}/report`
      await answering(url)
      expect((await fetch(url)).status).toBe(402)
      const satway = join(root, 'program/bin/satway.js')
      const bought = execFileSync(
        process.execPath,
        [satway, 'get', '--wallet', 'devnet:wallet.json', url],
        {
          cwd: folder,
          env: { ...process.env, SATWAY_HOME: join(folder, 'home') },
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      )
      expect(bought).toBe('here is /report\n')
    } finally {
      server.kill()
    }
  })
})

/** Waits until somebody answers, at most ten seconds. */
async function answering(url: string): Promise<void> {
  const end = performance.now() + 10_000
  while (performance.now() < end) {
    try {
      await fetch(url)
      return
    } catch {
      await new Promise((done) => setTimeout(done, 50))
    }
  }
  throw new Error('nobody answers')
}
