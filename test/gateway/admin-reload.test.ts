import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConfigBook } from '../../program/src/gateway/config-book.ts'
import { readPacket } from '../../program/src/gateway/source.ts'

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'satway-admin-reload-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const first = `listen: 127.0.0.1:8402
wallet: { devnet: { file: ./devnet.json } }
state: ./satway.db
admin: 127.0.0.1:8403
log: { access: json }
services: [{ name: api, upstream: "http://127.0.0.1:3000", routes: { GET /: 1 sat } }]
`

/** A book of the text above, and what it reads at the next reload. */
async function openBook(): Promise<{
  readonly book: ConfigBook
  reload(...changes: readonly (readonly [from: string, to: string])[]): Promise<readonly string[]>
}> {
  const packet = {
    text: first,
    file: join(folder, 'satway.yaml'),
    stored: [],
    dryRun: false,
    workers: 1,
    forPeople: false,
  }
  const reading = await readPacket(packet)
  if (!('config' in reading)) throw new Error(JSON.stringify(reading.mistakes))
  let text = first
  const { config, documents } = reading
  const book = new ConfigBook(
    { packet, config, documents },
    {
      readText: () => text,
      apply: () => Promise.resolve(),
      state: { putService: () => undefined, forgetService: () => true },
    },
  )
  return {
    book,
    reload: async (...changes) => {
      text = changes.reduce((before, [from, to]) => before.replace(from, to), first)
      return (await book.reload()).needsRestart
    },
  }
}

describe('R-ADM-28 a reload names what waits for a restart', () => {
  for (const [what, from, to, keys] of [
    ['nothing', '', '', []],
    ['a price', '1 sat', '2 sat', []],
    ['an address', '127.0.0.1:8402', '127.0.0.1:8404', ['listen']],
    [
      'another address',
      'listen: 127.0.0.1:8402',
      'listen: [127.0.0.1:8402, "[::1]:8402"]',
      ['listen'],
    ],
    ['a wallet file', './devnet.json', './other.json', ['wallet']],
    ['the log', 'access: json', 'access: off', ['log']],
    ['limits', 'log:', 'limits: { headers: 50 }\nlog:', ['limits']],
    ['no admin API', 'admin: 127.0.0.1:8403', 'admin: false', ['admin']],
    ['the state', './satway.db', './other.db', ['state']],
  ] as const) {
    test(`${what}: ${keys.join(', ') || 'no restart'}`, async () => {
      const { reload } = await openBook()
      const needsRestart = await reload([from, to])
      expect(needsRestart).toEqual(keys)
    })
  }

  test('several at once, and again as long as they wait', async () => {
    const { reload } = await openBook()
    const changes = [
      ['8402', '8404'],
      ['access: json', 'access: text'],
    ] as const
    expect(await reload(...changes)).toEqual(['listen', 'log'])
    expect(await reload(...changes)).toEqual(['listen', 'log'])
    expect(await reload(changes[0])).toEqual(['listen'])
    expect(await reload()).toEqual([])
  })
})
