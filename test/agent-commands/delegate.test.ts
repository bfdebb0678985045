import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { openAgent } from '../../program/src/agent/index.ts'
import { delegate } from '../../program/src/cli/delegate.ts'
import { runDelegate } from '../../program/src/delegation/index.ts'
import { quotedForShell } from '../../program/src/delegation/make-delegation.ts'
import { readExpiry, readWholeSat } from '../../program/src/delegation/read-restrictions.ts'
import { formatMoment, readDuration, readMoment } from '../../program/src/desk/index.ts'
import { delegatedToken } from '../../program/src/schema/index.ts'
import type { DeskOptions, Ended } from './desk.ts'
import { runAt } from './desk.ts'
import { makeHome, openSpender } from './spender.ts'

function hand(home: string, args: readonly string[], options?: DeskOptions): Promise<Ended> {
  return runAt(home, delegate, runDelegate, args, options)
}

describe('R-DEL-6 a copy is written in the form that its user takes', () => {
  test('a header line, which opens what it says and nothing else', async () => {
    const { home, buy, shop } = await openSpender()
    await buy('/report/1')
    const { stdout, stderr, code } = await hand(home, [
      ...['--token', shop.url, '--uses', '2', '--method', 'get', '--expires', '1h'],
      ...['--path', '/report/*', '--name', 'child-7'],
    ])
    expect(code).toBe(0)
    const [, authorization = ''] = /^Authorization: (L402 \S+)\n$/.exec(stdout) ?? []
    const ask = async (path: string, method = 'GET'): Promise<number> =>
      (await fetch(`${shop.url}${path}`, { method, headers: { authorization } })).status
    expect(await ask('/report/2')).toBe(200)
    expect(await ask('/report/3')).toBe(200)
    expect(await ask('/report/4')).toBe(403)
    expect(stderr).toContain('it holds the preimage of your payment')
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain('by its delegation id, child-7')
    expect(stderr).not.toContain(authorization)
  })

  test('an environment variable, quoted for a shell, with which an agent without a wallet never pays', async () => {
    const { home, buy, shop, withJournal } = await openSpender()
    await buy('/weather')
    const spent = shop.spentMsat()
    const { stdout } = await hand(home, ['--token', shop.url, '--uses', '1', '--form', 'env'])
    expect(stdout).toMatch(/^export SATWAY_CREDENTIAL='http:\/\/127\.0\.0\.1:\d+ L402 \S+'\n$/)
    const credential = execFileSync('sh', ['-c', `${stdout}printf %s "$SATWAY_CREDENTIAL"`], {
      encoding: 'utf8',
    })
    const ask = { kind: 'queue', waitSeconds: 0 } as const
    const child = await openAgent({ home: makeHome(), credential, ask })
    try {
      const first = await child.client.fetch(`${shop.url}/weather`)
      expect(first.status).toBe(200)
      const second = await child.client
        .fetch(`${shop.url}/weather`)
        .then(({ status }) => status)
        .catch(({ code }) => code)
      expect(second).not.toBe(200)
    } finally {
      await child.close()
    }
    expect(shop.spentMsat()).toBe(spent)
    await withJournal(async ({ tokens }) => {
      const [token] = await tokens.list()
      expect(credential).not.toContain(token!.token)
      expect(credential).toContain(token!.preimage)
    })
  })

  test('JSON', async () => {
    const { home, buy, shop } = await openSpender()
    await buy('/weather')
    for (const form of [['--form', 'json'], ['--json']]) {
      const { stdout } = await hand(home, ['--token', shop.url, '--spend', '500', ...form])
      const token = delegatedToken.parse(JSON.parse(stdout))
      expect(token.caveats).toEqual([
        expect.stringMatching(/^did=[0-9a-f]{16}$/),
        'spend_limit_sat=500',
      ])
      expect(token.environment).toBe(`SATWAY_CREDENTIAL='${token.origin} ${token.authorization}'`)
    }
  })

  test('what a shell would read as its own is quoted', () => {
    const text = `it's $HOME \`id\` "x" \\ ; rm`
    const read = execFileSync('sh', ['-c', `printf %s ${quotedForShell(text)}`], {
      encoding: 'utf8',
    })
    expect(read).toBe(text)
  })

  test('nothing is written when it is refused', async () => {
    const { home, buy, shop } = await openSpender()
    await buy('/weather')
    for (const [args, code] of [
      [['--token', shop.url], 2],
      [['--uses', '1'], 2],
      [['--token', shop.url, '--uses', '0'], 2],
      [['--token', shop.url, '--uses', '1', '--form', 'xml'], 2],
      [['--token', shop.url, '--caveat', 'country=CH'], 3],
      [['--token', shop.url, '--expires', '2020-01-01'], 3],
      [['--token', 'https://api.example.com', '--uses', '1'], 1],
      [['--token', '00000000', '--uses', '1'], 1],
    ] as const) {
      const ended = await hand(home, args)
      expect([args, ended.code, ended.stdout]).toEqual([args, code, ''])
    }
    expect((await hand(makeHome(), ['--token', shop.url, '--uses', '1'])).code).toBe(1)
  })

  test('with --force it is told what may be ignored', async () => {
    const { home, buy, shop } = await openSpender()
    await buy('/weather')
    const ended = await hand(home, ['--token', shop.url, '--caveat', 'country=CH', '--force'])
    expect(ended.code).toBe(0)
    expect(ended.stderr.replaceAll(/\s+/g, ' ')).toContain('does not say that it enforces country')
  })
})

describe('R-DEL-8 the parent is a token, or the one of a seller', () => {
  test('by its id, its payment hash, or 8 digits', async () => {
    const { home, buy, withJournal } = await openSpender()
    await buy('/weather', '/report/1')
    const [weather] = await withJournal(({ tokens }) => tokens.list())
    for (const name of [weather!.id, weather!.paymentHash, weather!.id.slice(0, 8)]) {
      const { stdout } = await hand(home, ['--token', name, '--uses', '1', '--json'])
      expect(JSON.parse(stdout).parent).toBe(weather!.id)
    }
  })

  test('by its seller without a scheme, and never one that is used up', async () => {
    const { home, buy, shop, withJournal } = await openSpender()
    await buy('/weather')
    const { host } = new URL(shop.url)
    const [token] = await withJournal(async ({ tokens }) => {
      const [bought] = await tokens.list()
      const facts = { ...bought!.facts!, uses: 1, coverage: 'other' }
      const used = { ...bought!, id: 'f'.repeat(32), facts }
      await tokens.put({ ...used, standing: 'good', usesSeen: 1, target: 'GET /other' })
      return [bought!]
    })
    const { stdout } = await hand(home, ['--token', host, '--uses', '1', '--json'])
    expect(JSON.parse(stdout).parent).toBe(token!.id)
    const refused = await hand(home, ['--token', 'f'.repeat(32), '--uses', '1'])
    expect([refused.code, refused.stdout]).toEqual([3, ''])
    expect(refused.stderr).toContain('used up')
  })

  test('tokens of a seller that open different things are listed, and none is taken', async () => {
    const { home, buy, shop } = await openSpender()
    await buy('/weather', '/report/1')
    const ended = await hand(home, ['--token', shop.url, '--uses', '1'])
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(/[0-9a-f]{8} {2}GET \/report\/1\n +[0-9a-f]{8} {2}GET \/weather/)
  })

  test('of those that open the same the latest is taken', async () => {
    const { home, buy, shop, withJournal } = await openSpender()
    await buy('/weather')
    const id = 'f'.repeat(32)
    await withJournal(async ({ tokens }) => {
      const [model] = await tokens.list()
      await tokens.put({ ...model!, id })
    })
    const { stdout } = await hand(home, ['--token', shop.url, '--uses', '1', '--json'])
    expect(JSON.parse(stdout).parent).toBe(id)
  })
})

describe('R-DEL-5 times and amounts are read strictly', () => {
  for (const [text, seconds] of [
    ['90s', 90],
    ['30m', 1800],
    ['1h', 3600],
    ['2d', 172_800],
    ['1w', 604_800],
    ['3650d', 315_360_000],
    ['3651d', undefined],
    ['0h', undefined],
    ['01h', undefined],
    ['1.5h', undefined],
    ['-1h', undefined],
    ['1y', undefined],
    ['1 h', undefined],
    ['h', undefined],
    ['1', undefined],
    ['', undefined],
  ] as const) {
    test(`"${text}" lasts ${seconds} s`, () => expect(readDuration(text)).toBe(seconds))
  }
  for (const [text, moment] of [
    ['2026-03-01T12:00:00Z', '2026-03-01T12:00:00Z'],
    ['2026-03-01T12:00:00.999z', '2026-03-01T12:00:00Z'],
    ['2026-03-01T12:00:00+02:00', '2026-03-01T10:00:00Z'],
    ['2026-03-01', '2026-03-01T00:00:00Z'],
    ['2028-02-29', '2028-02-29T00:00:00Z'],
    ['2026-02-29', undefined],
    ['2026-02-30T00:00:00Z', undefined],
    ['2026-03-01T24:00:01Z', undefined],
    ['2026-03-01T12:00:00', undefined],
    ['2026-3-1', undefined],
    ['1772366400', undefined],
    ['tomorrow', undefined],
  ] as const) {
    test(`"${text}" is ${moment}`, () => {
      const seconds = readMoment(text)
      expect(seconds === undefined ? undefined : formatMoment(seconds)).toBe(moment)
    })
  }
  test('an expiry is either', () => {
    expect(readExpiry('1h', 100)).toBe(3700)
    expect(readExpiry('1970-01-02', 100)).toBe(86_400)
    expect(() => readExpiry('soon', 100)).toThrow('--expires')
  })
  test('spending is whole sat', () => {
    expect([readWholeSat('500'), readWholeSat('500sat'), readWholeSat('1000msat')]).toEqual([
      500n,
      500n,
      1n,
    ])
    for (const text of ['0', '1msat', '1500msat', '1.5', '-1', 'x', '']) {
      expect(() => readWholeSat(text)).toThrow('--spend')
    }
  })
})
