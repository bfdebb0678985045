import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attenuate, decodeToken, encodeToken } from 'satway/macaroon'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { adminCommands } from '../../program/src/cli/admin.ts'
import type { World } from './admin-world.ts'
import { nowSeconds, openWorld, sale } from './admin-world.ts'
import type { CommandRun } from './run-command.ts'
import { runCommand } from './run-command.ts'

let world: World
let folder = ''

beforeEach(async () => {
  // Both ends have one clock.
  vi.useFakeTimers({ toFake: ['Date'], now: nowSeconds * 1000 })
  world = await openWorld()
  folder = mkdtempSync(join(tmpdir(), 'satway-admin-command-'))
})

afterEach(async () => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
  await world.close()
  rmSync(folder, { recursive: true, force: true })
})

type Options = Parameters<typeof runCommand>[2]

async function admin(args: readonly string[], options: Options = {}): Promise<CommandRun> {
  const where = ['--address', world.admin.address, '--macaroon', world.macaroonFile]
  const flags = args[0] === 'health' ? where.slice(0, 2) : args[0] === 'macaroon' ? [] : where
  return await runCommand(adminCommands, ['admin', ...args, ...flags], options)
}

const onTerminal = async (...args: string[]): Promise<string> => {
  const { stdout, stderr } = await admin(args, { terminal: true })
  expect(stderr).toBe('')
  return stdout
}

const json = async (...args: string[]): Promise<unknown> => {
  const { code, stdout, stderr } = await admin(args)
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return JSON.parse(stdout)
}

function write(name: string, text: string, mode = 0o600): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  chmodSync(file, mode)
  return file
}

const news = `# what we sell
name: news
hosts: [news.example, "*.news.example"]
upstream:
  url: http://127.0.0.1:4000
  headers: { X-Key: "\${NEWS_KEY}" }
routes:
  GET /: free
  GET /a: 10 sat
`

describe('R-ADM-24 tables on a terminal', () => {
  test('info', async () => {
    expect(await onTerminal('info')).toBe(
      [
        `  gateway        satway 9.9.9, admin at ${world.admin.address}`,
        '  network        regtest',
        '  running for    1 h',
        '  configuration  /etc/satway/satway.yaml',
        '  workers        2',
        '  services       1',
        '  your macaroon  read, services, revoke',
        '',
      ].join('\n'),
    )
  })

  test('health, which needs no macaroon', async () => {
    expect(await onTerminal('health')).toBe(
      [
        'Ready.',
        'CHECK             STATE  TOOK  DETAIL',
        'wallet            ok     1 ms  answers',
        'upstream:weather  ok     3 ms  answers',
        '',
      ].join('\n'),
    )
  })

  test('health ends with 1 when something fails', async () => {
    world.control.isHealthy = false
    const { code, stdout } = await admin(['health'], { terminal: true })
    expect(code).toBe(1)
    expect(stdout).toContain('Not ready.')
    expect(stdout).toContain('failed  3 ms  connection refused')
    expect((await admin(['health'])).code).toBe(1)
  })

  test('services, with those that were made here', async () => {
    await admin(['services', 'create', write('news.yaml', news)])
    const table = await onTerminal('services', 'list')
    expect(table.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['NAME', 'FROM', 'HOSTS', 'MOUNT', 'UPSTREAM', 'ROUTES'],
      [
        'weather',
        'file',
        'api.example.com',
        '/',
        'http://user:hunter2@127.0.0.1:3000/base?key=sesame',
        '2',
      ],
      ['news', 'api', 'news.example, *.news.example', '/', 'http://127.0.0.1:4000', '2'],
      [''],
    ])
  })

  test('tokens: amounts with thousands, times from now, hashes cut', async () => {
    world.seed(
      sale(1, { amountMsat: 1_234_567_890n, uses: 1200 }),
      sale(7200, { amountMsat: 1500n, tokenId: undefined }),
      sale(3, { validUntilSeconds: nowSeconds - 120, service: 'news' }),
    )
    expect(await onTerminal('tokens', 'list')).toBe(
      [
        'TOKEN          SERVICE  CAPABILITY  STATE                 PAID  BOUGHT   EXPIRES     USED',
        'f0000001bbbb…  weather  report      active   1,234,567.890 sat  1 s ago  in 1 h     1,200',
        'f0000003bbbb…  news     report      expired             10 sat  3 s ago  2 min ago      3',
        '00001c20aaaa…  weather  report      active           1.500 sat  2 h ago  -              0',
        '',
      ].join('\n'),
    )
    expect(await onTerminal('tokens', 'list', '--state', 'revoked')).toBe('No tokens.\n')
    const shown = await onTerminal('tokens', 'show', 'f0000001bbbb…')
    expect(shown).toContain(`token id      ${sale(1).tokenId}`)
    expect(shown).toContain('valid until   2026-11-25T09:00:00Z (in 1 h)')
  })

  test('transactions and stats', async () => {
    world.seed(sale(1), sale(2, { amountMsat: 1n }), sale(90_000, { service: 'news' }))
    expect(await onTerminal('transactions', 'list')).toBe(
      [
        'PAID     PAYMENT HASH   SERVICE  CAPABILITY     AMOUNT  STATE   USED',
        '1 s ago  00000001aaaa…  weather  report         10 sat  active     3',
        '2 s ago  00000002aaaa…  weather  report      0.001 sat  active     3',
        '1 d ago  00015f90aaaa…  news     report         10 sat  active     3',
        '',
      ].join('\n'),
    )
    expect(await onTerminal('stats', '--days', '1')).toBe(
      [
        'DAY         SERVICE  PAYMENTS     REVENUE  USED',
        '2026-11-25  news            0       0 sat     3',
        '2026-11-25  weather         2  10.001 sat     6',
        'Together in today: 10.001 sat from 2 payments, 9 uses.',
        '',
      ].join('\n'),
    )
    expect(await onTerminal('stats')).toContain('2026-11-24  news            1      10 sat     0')
  })

  test('tell what is left out, and how to go on', async () => {
    world.seed(...Array.from({ length: 5 }, (_, i) => sale(i + 1)))
    const first = await onTerminal('tokens', 'list', '--limit', '3')
    const after = /--after (\S+)\n$/.exec(first)?.[1] ?? ''
    const rest = await onTerminal('tokens', 'list', '--limit', '3', '--after', after)
    expect(rest.split('\n')).toHaveLength(4)
    expect(rest).not.toContain('--after')
  })

  test('fit the screen, and show no control characters', async () => {
    world.seed(sale(1, { service: `evil\u001b[2Jname-that-goes-on-${'x'.repeat(90)}` }))
    const { stdout } = await admin(['tokens', 'list'], { terminal: true, columns: 80 })
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    expect(stdout).toContain('evil\ufffd[2J')
    expect(stdout).toContain('…')
  })
})

describe('R-ADM-24 JSON in a pipe', () => {
  test('is what the API answers', async () => {
    world.seed(sale(1))
    expect(await json('info')).toMatchObject({ version: '9.9.9', scopes: expect.any(Array) })
    expect(await json('tokens', 'list')).toMatchObject({
      items: [{ payment_hash: sale(1).paymentHash, amount_msat: '10000' }],
      next: null,
    })
    expect(await json('stats')).toMatchObject({ total: { payments: 1 } })
    const { stdout } = await admin(['info', '--json'], { terminal: true })
    expect(JSON.parse(stdout)).toMatchObject({ network: 'regtest' })
  })

  test('R-ADM-16 a sparse filter is followed to its end', async () => {
    world.seed(
      ...Array.from({ length: 4500 }, (_, i) => sale(i + 1, { uses: 0, tokenId: undefined })),
      sale(5000, { validUntilSeconds: nowSeconds - 1 }),
    )
    const found = await json('tokens', 'list', '--state', 'expired')
    expect(found).toMatchObject({ items: [{ state: 'expired' }], next: null })
    expect(world.control.state.pages.length).toBeGreaterThan(2)
  })

  test('R-ADM-19 --csv writes all of it', async () => {
    world.seed(...Array.from({ length: 1200 }, (_, i) => sale(i + 1)))
    const { code, stdout } = await admin(['transactions', 'list', '--csv', '--service', 'weather'])
    expect(code).toBe(0)
    expect(stdout.split('\r\n')).toHaveLength(1202)
  })

  test('R-ADM-13 services go round: shown, changed, replaced, deleted', async () => {
    await admin(['services', 'create', write('news.yaml', news)])
    const shown = await admin(['services', 'show', 'news'])
    expect(JSON.parse(shown.stdout).document).toEqual(parse(news))
    const changed = write('news.json', shown.stdout.replace('10 sat', '12 sat'))
    expect(await json('services', 'replace', changed)).toMatchObject({
      name: 'news',
      origin: 'api',
      document: { routes: { 'GET /a': '12 sat' } },
    })
    const people = await onTerminal('services', 'show', 'news')
    expect(people).toContain('# made through the admin API')
    expect(parse(people)).toEqual({
      ...parse(news),
      routes: { 'GET /': 'free', 'GET /a': '12 sat' },
    })
    expect(await json('services', 'delete', 'news')).toEqual({ deleted: 'news' })
    expect((await admin(['services', 'delete', 'news'])).code).toBe(1)
    expect(await onTerminal('services', 'show', 'weather')).toContain(
      '# from the configuration file: change it there',
    )
  })

  test('R-ADM-14 reload', async () => {
    expect(await json('reload')).toEqual({ services: 1, needs_restart: [] })
    expect(await onTerminal('reload')).toContain('Read the configuration again: 1 service.')
    expect(world.control.reloads).toBe(2)
    world.control.reloadMistakes = ['listen: expected an address']
    const { code, stderr } = await admin(['reload'])
    expect(code).toBe(1)
    expect(stderr).toContain('  - listen: expected an address\n')
    expect(stderr).toContain('the configuration that was in force stays')
  })

  test('R-ADM-28 reload names what waits for a restart', async () => {
    world.control.needsRestart = ['listen', 'wallet']
    expect(await onTerminal('reload')).toBe(
      [
        'Read the configuration again: 1 service. Open requests go on undisturbed.',
        'Changed, but not in force before the gateway is started anew: listen, wallet.',
        '',
      ].join('\n'),
    )
    expect(await json('reload')).toMatchObject({ needs_restart: ['listen', 'wallet'] })
  })
})

describe('revoking', () => {
  beforeEach(() => world.seed(sale(1), sale(2)))

  test('R-ADM-17 by the digits of a table, with a reason, and back', async () => {
    const { tokenId } = sale(1)
    expect(await json('revoke', 'f0000001bbbb…', '--reason', 'leaked')).toMatchObject({
      id: tokenId,
      reason: 'leaked',
      known: true,
    })
    expect(await json('revoke', '00000002')).toMatchObject({ id: sale(2).paymentHash })
    const list = await onTerminal('revocations', 'list')
    expect(list).toMatch(/^ID +REVOKED +REASON\n/)
    expect(list).toMatch(/^f0000001bbbb… {2}now {6}leaked$/m)
    expect(await json('unrevoke', 'f0000001bbbb…')).toEqual({ unrevoked: tokenId })
    expect(await json('unrevoke', sale(2).paymentHash.toUpperCase())).toBeDefined()
    expect(await onTerminal('revocations', 'list')).toBe('Nothing is revoked.\n')
  })

  test('R-ADM-17 shows the whole id, and what was revoked by that', async () => {
    const { tokenId } = sale(1)
    expect(await onTerminal('revoke', 'f0000001bbbb…', '--reason', 'leaked')).toBe(
      [
        `Revoked ${tokenId}`,
        '  service  weather',
        '  paid     10 sat',
        '  used     3 times so far',
        'It is refused everywhere within 5 seconds.',
        '',
      ].join('\n'),
    )
    world.setNow(nowSeconds + 7200)
    vi.setSystemTime((nowSeconds + 7200) * 1000)
    expect(await onTerminal('revoke', '00000001')).toMatch(
      `Revoked before, 2 h ago (leaked): ${tokenId}\n`,
    )
  })

  test('R-ADM-17 a delegation', async () => {
    for (const id of ['agent-7', 'deadbeef']) {
      expect(await json('revoke', '--delegation', id)).toMatchObject({ id, known: false })
      expect(await json('unrevoke', id)).toEqual({ unrevoked: id })
    }
    expect(await onTerminal('revoke', '--delegation', 'agent-7')).toBe(
      'Revoked the delegation agent-7\nIt is refused everywhere within 5 seconds.\n',
    )
  })

  test('R-ADM-17 what was never seen, when that is meant', async () => {
    const id = 'e'.repeat(64)
    expect(await onTerminal('revoke', '--unseen', id)).toContain(
      `Revoked ${id}\nNo token of this id was seen so far.`,
    )
    const both = await admin(['revoke', '--unseen', '--delegation', id])
    expect(both.code).toBe(2)
  })

  for (const id of ['zzz', 'agent-7', 'deadbeef', 'e'.repeat(64)]) {
    test(`R-ADM-17 not ${id.slice(0, 12)}, which nobody has seen: exit code 1`, async () => {
      const { code, stdout, stderr } = await admin(['revoke', id])
      expect(code).toBe(1)
      expect(stdout).toBe('')
      expect(stderr).toContain('satway admin revoke: No such token was seen: ')
      expect(stderr).toContain('A delegation id? Add --delegation.')
      expect(stderr).toContain('--unseen')
      expect(world.control.state.denials()).toEqual([])
    })
  }

  for (const [args, message] of [
    [['unrevoke', 'deadbeef'], 'Nothing that is revoked begins with deadbeef.'],
    [['unrevoke', 'agent-8'], 'Not revoked: agent-8'],
    [['tokens', 'list', '--capability', 'GET /wss'], 'No service sells "GET /wss"'],
    [['revoke', 'not an id'], 'id: expected a payment hash'],
    [['tokens', 'show', 'deadbeef'], 'There is no such token.'],
    [['tokens', 'show', '../info'], 'A token is named by 8 to 64 hex digits.'],
  ] as const) {
    test(`R-ADM-24 ${args.join(' ')} says what is wrong`, async () => {
      const { code, stdout, stderr } = await admin(args)
      expect(code).toBe(1)
      expect(stdout).toBe('')
      expect(stderr).toContain(message)
      expect(stderr.split('\n').length).toBeGreaterThan(2)
      expect(world.control.state.denials()).toEqual([])
    })
  }
})

describe('R-ADM-24 mistakes', () => {
  test('of the service are all listed, with what to do', async () => {
    const { code, stderr } = await admin(['services', 'create', write('bad.yaml', 'name: bad')])
    expect(code).toBe(1)
    expect(stderr).toBe(
      [
        'satway admin services create: The service has mistakes.',
        '  - upstream: expected a URL',
        '  - routes: expected at least one',
        'Nothing was changed. Correct all the mistakes that are listed, and try again.',
        '',
      ].join('\n'),
    )
  })

  for (const [what, text, message] of [
    ['no YAML', 'name: [', 'line 1: '],
    ['a key twice', 'name: a\nname: b\n', 'line 2: '],
    ['a list', '- name: a', 'is not one service'],
    ['a whole configuration', 'services:\n  - name: a\n', 'is not one service'],
    ['no name', 'upstream: http://x', 'does not say which service it is'],
    ['nothing', '', 'is not one service'],
    ['too much', `name: ${'x'.repeat(70_000)}`, 'is longer than 65536 bytes'],
    [
      'a bomb',
      `a: &a [${'1,'.repeat(20)}1]\nb: &b [${'*a,'.repeat(20)}*a]\nc: &c [${'*b,'.repeat(20)}*b]\nname: x\n`,
      'refers to itself too often',
    ],
  ] as const) {
    test(`a file with ${what}`, async () => {
      const file = write('service.yaml', text)
      for (const command of ['create', 'replace']) {
        const { code, stderr } = await admin(['services', command, file])
        expect(code).toBe(1)
        expect(stderr).toContain(message)
        expect(stderr).toContain(file)
      }
      expect(world.control.services()).toHaveLength(1)
    })
  }

  test('a file that is not there', async () => {
    const { code, stderr } = await admin(['services', 'create', join(folder, 'none.yaml')])
    expect(code).toBe(1)
    expect(stderr).toContain('none.yaml cannot be read (ENOENT)')
  })

  for (const args of [
    ['tokens', 'list', '--limit', '0'],
    ['tokens', 'list', '--limit', '1001'],
    ['tokens', 'list', '--bogus'],
    ['tokens', 'show'],
    ['transactions', 'list', '--csv', '--limit', '5'],
    ['transactions', 'list', '--csv', '--after', 'x'],
    ['transactions', 'list', '--csv', '--json'],
    ['stats', '--days', '0'],
    ['stats', '--days', '1.5'],
    ['macaroon'],
    ['macaroon', '--expires', '10'],
    ['macaroon', '--expires', 'soon'],
  ]) {
    test(`of the command line end with 2: ${args.join(' ')}`, async () => {
      const { code, stderr } = await admin(args)
      expect(code).toBe(2)
      expect(stderr).toContain(`Usage: satway admin ${args[0]}`)
    })
  }

  test('a filter that the gateway refuses ends with 1', async () => {
    const { code, stderr } = await admin(['tokens', 'list', '--state', 'sold'])
    expect(code).toBe(1)
    expect(stderr).toBe(
      'satway admin tokens list: --state: expected active or revoked or expired.\n',
    )
  })

  test('are told in words of the command line, not of the API', async () => {
    const seen: string[] = []
    for (const args of [
      ['services', 'create', write('taken.yaml', news.replace('news\n', 'weather\n'))],
      ['services', 'show', 'none'],
      ['services', 'delete', 'weather'],
      ['tokens', 'show', 'deadbeef'],
      ['tokens', 'list', '--after', 'x'],
      ['tokens', 'list', '--from', 'yesterday'],
      ['revoke', 'zzz'],
      ['revoke', 'not an id'],
      ['unrevoke', 'zzz'],
    ]) {
      const { code, stderr } = await admin(args)
      expect(code).toBe(1)
      seen.push(stderr)
    }
    world.control.state.fault = new Error('disk')
    seen.push((await admin(['tokens', 'list'])).stderr)
    world.control.fault = new Error('bug')
    seen.push((await admin(['services', 'create', write('news.yaml', news)])).stderr)
    for (const stderr of seen) {
      expect(stderr).not.toMatch(/`detail`|openapi|Authorization|GET \/|Content-Type|body|`next`/)
    }
  })

  test('no gateway there ends with 7, and says what to do', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    const flags = ['--address', `127.0.0.1:${port}`, '--macaroon', world.macaroonFile]
    const { code, stderr } = await runCommand(adminCommands, ['admin', 'info', ...flags])
    expect(code).toBe(7)
    expect(stderr).toBe(
      `satway admin info: No gateway answers at 127.0.0.1:${port} (ECONNREFUSED).\nStart \`satway gateway\`, or name its admin address: --address HOST:PORT\n`,
    )
  })

  for (const [what, answer] of [
    ['a page', '<html>hello</html>'],
    ['JSON of another kind', '{"error":"nope"}'],
    ['nothing', ''],
  ] as const) {
    test(`something else there that answers 404 with ${what} ends with 7`, async () => {
      const server = createHttpServer((_, response) => response.writeHead(404).end(answer))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as AddressInfo
      const flags = ['--address', `127.0.0.1:${port}`, '--macaroon', world.macaroonFile]
      const { code, stderr } = await runCommand(adminCommands, ['admin', 'info', ...flags])
      server.close()
      expect(code).toBe(7)
      expect(stderr).toContain('is not the admin API of a gateway')
    })
  }

  test('an answer that breaks off ends with 7', async () => {
    const server = createHttpServer((_, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{"items":')
      setTimeout(() => response.destroy(), 20)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const flags = ['--address', `127.0.0.1:${port}`, '--macaroon', world.macaroonFile]
    const run = await runCommand(adminCommands, ['admin', 'services', 'list', ...flags])
    server.close()
    expect(run.code).toBe(7)
    expect(run.stdout).toBe('')
  })
})

describe('R-ADM-25 the macaroon that is sent', () => {
  const info = async (...flags: string[]): Promise<CommandRun> =>
    await runCommand(adminCommands, ['admin', 'info', ...flags])

  test('is found by flag, environment and place', async () => {
    const { address } = world.admin
    expect((await info('--address', address, '--macaroon', world.macaroonFile)).code).toBe(0)
    vi.stubEnv('SATWAY_ADMIN', address)
    vi.stubEnv('SATWAY_ADMIN_MACAROON', world.macaroonFile)
    expect((await info()).code).toBe(0)
    vi.stubEnv('SATWAY_ADMIN_MACAROON', join(folder, 'none'))
    const missing = await info()
    expect(missing.code).toBe(1)
    expect(missing.stderr).toContain(`${join(folder, 'none')} does not exist`)
    vi.stubEnv('SATWAY_ADMIN_MACAROON', '')
    vi.stubEnv('HOME', folder)
    const nowhere = await info()
    expect(nowhere.code).toBe(1)
    expect(nowhere.stderr).toContain(join(folder, '.satway', 'admin.macaroon'))
  })

  test('that the gateway does not take is named, with its file and the gateway', async () => {
    const other = await openWorld()
    const { stderr, code } = await info(
      '--address',
      world.admin.address,
      '--macaroon',
      other.macaroonFile,
    )
    await other.close()
    expect(code).toBe(1)
    expect(stderr).toContain(
      `The gateway at ${world.admin.address} does not take this macaroon (read from ${other.macaroonFile}).`,
    )
    expect(stderr).toContain('SATWAY_ADMIN_MACAROON')
    expect(stderr).not.toContain('Authorization')
  })

  test('is not read from a file that others can read', async () => {
    const file = write('open.macaroon', readFileSync(world.macaroonFile, 'utf8'), 0o644)
    const { code, stderr } = await info('--address', world.admin.address, '--macaroon', file)
    expect(code).toBe(1)
    expect(stderr).toContain(`chmod 600 ${file}`)
  })

  for (const text of ['', 'hello', 'AAAA', '{"v":2}']) {
    test(`is no file with "${text}"`, async () => {
      const file = write('bad.macaroon', text)
      const { code, stderr } = await info('--address', world.admin.address, '--macaroon', file)
      expect(code).toBe(1)
      expect(stderr).toContain('holds no macaroon')
    })
  }

  test('is a copy that works for 60 seconds, or the shorter life that it has', async () => {
    const seen: string[] = []
    const server = createHttpServer((request, response) => {
      seen.push(request.headers.authorization ?? '')
      response.end('{}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const full = decodeToken(readFileSync(world.macaroonFile, 'utf8').trim())
    const brief = encodeToken(attenuate(full, `expires=${nowSeconds + 10}`))
    for (const file of [world.macaroonFile, write('brief.macaroon', brief)]) {
      const flags = ['--address', address, '--macaroon', file]
      await runCommand(adminCommands, ['admin', 'services', 'delete', 'x', ...flags])
    }
    server.close()
    const caveats = seen.map((line) => {
      const { unverifiedCaveats } = decodeToken(line.replace('Macaroon ', ''))
      return unverifiedCaveats.map(({ identifier }) => Buffer.from(identifier).toString())
    })
    expect(caveats).toEqual([[`expires=${nowSeconds + 60}`], [`expires=${nowSeconds + 10}`]])
  })

  for (const address of [
    'example.com:8403',
    '192.168.1.4:8403',
    '0.0.0.0:8403',
    '[2001:db8::1]:8403',
    '127.0.0.1.example.com:80',
  ]) {
    test(`goes to no other machine: ${address}`, async () => {
      const { code, stderr } = await info('--address', address, '--macaroon', world.macaroonFile)
      expect(code).toBe(2)
      expect(stderr).toContain('another machine')
      expect(stderr).toContain('ssh -N -L')
    })
  }

  for (const address of [
    '',
    '8403',
    'localhost',
    'localhost:0',
    'localhost:99999',
    'https://localhost:1',
    'localhost:1/x',
  ]) {
    test(`takes no address like "${address}"`, async () => {
      const { code, stderr } = await info('--address', address, '--macaroon', world.macaroonFile)
      expect(code).toBe(2)
      expect(stderr).toContain('--address: expected HOST:PORT')
    })
  }

  test('and http:// before the address does no harm', async () => {
    const address = `http://${world.admin.address}/`
    expect((await info('--address', address, '--macaroon', world.macaroonFile)).code).toBe(0)
  })
})

describe('R-ADM-26 satway admin macaroon', () => {
  const make = async (...flags: string[]): Promise<CommandRun> =>
    await runCommand(adminCommands, ['admin', 'macaroon', ...flags])

  test('makes a narrower copy offline, and the gateway keeps to it', async () => {
    const file = join(folder, 'read.macaroon')
    const flags = ['--scope', 'read', '--expires', '1d', '--ip', '127.0.0.0/8', '-o', file]
    const made = await make(...flags, '--macaroon', world.macaroonFile)
    expect(made.code).toBe(0)
    expect(made.stdout).toMatch(
      /: read, ends in 1 d\. In the log of the gateway it is copy [\da-f]{8}\.\n$/,
    )
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const where = ['--address', world.admin.address, '--macaroon', file]
    expect((await runCommand(adminCommands, ['admin', 'info', ...where])).code).toBe(0)
    const refused = await runCommand(adminCommands, ['admin', 'reload', ...where])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('This needs a macaroon with the scope "services".')
    world.setNow(nowSeconds + 86_400)
    vi.setSystemTime((nowSeconds + 86_400) * 1000)
    const late = await runCommand(adminCommands, ['admin', 'info', ...where])
    expect(late.code).toBe(1)
    expect(late.stderr).toContain('it expired')
  })

  test('R-ADM-22 the log knows a copy again, whenever it is used', async () => {
    const copies: string[] = []
    for (const scope of ['revoke', 'read,revoke']) {
      const file = join(folder, `${scope}.macaroon`)
      const flags = ['--scope', scope, '--expires', '1d', '-o', file, '--json']
      const made = await make(...flags, '--macaroon', world.macaroonFile)
      copies.push(JSON.parse(made.stdout).copy)
      for (const later of [0, 3600]) {
        world.setNow(nowSeconds + later)
        vi.setSystemTime((nowSeconds + later) * 1000)
        const where = ['--address', world.admin.address, '--macaroon', file]
        await runCommand(adminCommands, ['admin', 'revoke', 'zzz', ...where])
      }
      vi.setSystemTime(nowSeconds * 1000)
    }
    const [one, other] = copies
    expect(one).not.toBe(other)
    expect(world.changes.map(({ copy }) => copy)).toEqual([one, one, other, other])
  })

  test('prints it where no file is named', async () => {
    const { stdout } = await make('--scope', 'read', '--macaroon', world.macaroonFile)
    expect(decodeToken(stdout.trim()).unverifiedCaveats).toHaveLength(1)
    const { stdout: text } = await make(
      '--expires',
      '30m',
      '--macaroon',
      world.macaroonFile,
      '--json',
    )
    expect(JSON.parse(text)).toMatchObject({
      scopes: ['read', 'services', 'revoke'],
      expires_at: '2026-11-25T08:30:00.000Z',
      macaroon: expect.any(String),
    })
  })

  test('makes no copy that would be refused', async () => {
    const full = decodeToken(readFileSync(world.macaroonFile, 'utf8').trim())
    const narrow = write(
      'narrow.macaroon',
      encodeToken(attenuate(full, 'scope=read', `expires=${nowSeconds + 60}`, 'ip=127.0.0.1')),
    )
    const strange = write('strange.macaroon', encodeToken(attenuate(full, 'tier=1')))
    for (const [file, ...flags] of [
      [narrow, '--scope', 'read,services'],
      [narrow, '--expires', '1d'],
      [narrow, '--ip', '127.0.0.0/8'],
      [strange, '--scope', 'read'],
      [world.macaroonFile, '--scope', 'write'],
      [world.macaroonFile, '--ip', 'localhost'],
    ] as const) {
      const { code, stdout, stderr } = await make(...flags, '--macaroon', file)
      expect(code).toBe(1)
      expect(stdout).toBe('')
      expect(stderr).toContain('The gateway would refuse this macaroon')
    }
  })

  test('writes over no file', async () => {
    const file = write('there', 'mine')
    const { code } = await make('--scope', 'read', '-o', file, '--macaroon', world.macaroonFile)
    expect(code).toBe(1)
    expect(readFileSync(file, 'utf8')).toBe('mine')
    expect(existsSync(`${file}.lock`)).toBe(false)
  })
})

test('every command has its page, and its entry tells the same', async () => {
  const names = adminCommands.map(({ name }) => name)
  expect(names).toEqual([...new Set(names)])
  for (const entry of adminCommands) {
    const command = await entry.load()
    expect(command.name).toBe(entry.name)
    expect(command.usage).toBe(entry.usage)
    expect(command.examples[0]).toContain(`satway ${entry.name}`)
    expect(command.about.join(' ').length).toBeGreaterThan(20)
  }
})
