import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import type { RequestListener, Server } from 'node:http'
import { createServer } from 'node:http'
import type { Server as NetServer } from 'node:net'
import { createServer as createNetServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callReport } from '../../program/src/schema/index.ts'
import type { Ended, Running, RunOptions } from './satway.ts'
import { freePort, makeHome, root, satway, shell, startSatway } from './satway.ts'

const home = makeHome()
let demo: Running
let url: string
let invoiceFile: string
let invoice: string
let wallet: { readonly url: string; readonly secret: string }

beforeAll(async () => {
  demo = startSatway(home.path, ['demo', '--json', '--port', String(await freePort())])
  const [line] = await demo.waitFor(/.*"event":"ready".*/)
  const ready = JSON.parse(line) as { url: string; walletFile: string }
  url = ready.url
  wallet = JSON.parse(readFileSync(ready.walletFile, 'utf8')) as typeof wallet
  const folder = readdirSync(join(home.path, '.satway')).find((name) => name.startsWith('demo-'))!
  invoiceFile = join(home.path, '.satway', folder, 'invoice.txt')
  invoice = readFileSync(invoiceFile, 'utf8')
})
afterAll(async () => {
  await demo.stop()
  home.remove()
})

const get = (args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  satway(home.path, ['get', ...args], options)

type Report = Readonly<Record<string, unknown>>
const getJson = async (
  args: readonly string[],
  options: RunOptions = {},
): Promise<{ readonly code: number | null; readonly report: Report; readonly stderr: string }> => {
  const { code, stdout, stderr } = await get(['--json', ...args], options)
  return { code, report: JSON.parse(stdout) as Report, stderr }
}

/** Somebody else with the same wallet: what one bought and is owed is nothing to another. */
function newSpender(): RunOptions {
  const folder = mkdtempSync(join(home.path, 'spender-'))
  const SATWAY_WALLET = `devnet:${join(home.path, '.satway/devnet.json')}`
  return { env: { SATWAY_HOME: folder, SATWAY_WALLET } }
}

async function balanceMsat(): Promise<bigint> {
  const response = await fetch(`${wallet.url}/info`, {
    headers: { authorization: `Bearer ${wallet.secret}` },
  })
  return BigInt(((await response.json()) as { balanceMsat: string }).balanceMsat)
}

/** What a call takes from the wallet. */
async function costOf(call: () => Promise<unknown>): Promise<bigint> {
  const before = await balanceMsat()
  await call()
  return before - (await balanceMsat())
}

const priceMsat = 10_000n
const costMsat = 11_001n

describe('satway get', () => {
  test('pays, and gives the body to stdout and the summary to stderr', async () => {
    let ended: Ended | undefined
    const cost = await costOf(async () => {
      ended = await get([url, '-d', JSON.stringify({ invoice })])
    })
    expect(cost).toBe(costMsat)
    expect(JSON.parse(ended!.stdout)).toMatchObject({
      description: '1 cup coffee',
      amountMsat: '250000000',
    })
    expect(ended!.stderr).toContain(`Paid 10 sat, fee 1.001 sat, to ${new URL(url).host}.`)
    expect(ended!.stderr).toContain('That used up what was bought')
    expect(ended!.code).toBe(0)
  })

  test('shows no secret: not the wallet’s, no token, no preimage', async () => {
    for (const args of [
      [url, '-d', invoice],
      [url, '-d', invoice, '--json'],
      [url, '-d', invoice, '--dry-run'],
      [url, '-d', invoice, '--max-cost', '1'],
    ]) {
      const { stdout, stderr } = await get(args)
      expect(stdout + stderr).not.toContain(wallet.secret)
      expect(stdout + stderr).not.toMatch(/AgE[A-Za-z0-9+/_-]{40}/)
      const known = [
        '0001020304050607080900010203040506070809000102030405060708090102',
        '03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad',
        ...[...stdout.matchAll(/"paymentHash": "([0-9a-f]{64})"/g)].map(([, hash]) => hash!),
      ]
      known.push(
        ...[...stderr.matchAll(/^Payment hash ([0-9a-f]{64})$/gm)].map(([, hash]) => hash!),
      )
      let rest = stdout + stderr
      for (const text of known) rest = rest.replaceAll(text, '')
      expect(rest).not.toMatch(/[0-9a-f]{64}/)
    }
  })

  test('is told what is free, and pays nothing for it', async () => {
    const { code, report } = await getJson([new URL('/', url).href])
    expect(report).toMatchObject({
      outcome: 'not_paid',
      method: 'GET',
      status: 200,
      contentType: 'application/json',
      amountMsat: null,
      feeMsat: null,
      paymentHash: null,
      bodyEncoding: 'utf8',
      error: null,
      exitCode: 0,
    })
    expect(JSON.parse(String(report['body']))).toMatchObject({ name: 'Invoice decoder' })
    expect(code).toBe(0)
  })

  test('--json is one document with the outcome and the body', async () => {
    const { code, report, stderr } = await getJson([url, '-d', `@${invoiceFile}`])
    expect(Object.keys(report)).toEqual([
      'outcome',
      'method',
      'url',
      'status',
      'contentType',
      'amountMsat',
      'feeMsat',
      'maxFeeMsat',
      'paymentHash',
      'resume',
      'approvalId',
      'dryRun',
      'quote',
      'asks',
      'output',
      'credential',
      'body',
      'bodyEncoding',
      'truncated',
      'error',
      'exitCode',
    ])
    expect(callReport.parse(report)).toEqual(report)
    expect(report).toMatchObject({
      outcome: 'paid_delivered',
      method: 'POST',
      url,
      status: 200,
      amountMsat: String(priceMsat),
      feeMsat: String(costMsat - priceMsat),
      maxFeeMsat: null,
      dryRun: false,
      exitCode: 0,
    })
    expect(report['paymentHash']).toMatch(/^[0-9a-f]{64}$/)
    expect([code, stderr]).toEqual([0, ''])
  })

  test('--quiet says nothing of a success, and something of a failure', async () => {
    expect((await get(['-q', new URL('/', url).href])).stderr).toBe('')
    expect((await get(['-q', new URL('/no', url).href])).stderr).toContain('404')
  })
})

describe('satway get --dry-run', () => {
  test('tells the exact price and pays nothing', async () => {
    const cost = await costOf(async () => {
      const { code, report } = await getJson(['--dry-run', url, '-d', invoice])
      expect(report).toMatchObject({
        outcome: 'not_paid',
        status: 402,
        amountMsat: String(priceMsat),
        feeMsat: null,
        maxFeeMsat: '5000',
        dryRun: true,
        body: null,
        error: null,
      })
      expect(report['paymentHash']).toMatch(/^[0-9a-f]{64}$/)
      expect(code).toBe(0)
      const { stdout, stderr } = await get(['--dry-run', url, '-d', invoice])
      expect(stdout).toBe('')
      expect(stderr).toBe(
        'Price 10 sat, and at most 5 sat for the route.\nEvery check passed. Nothing was paid.\n',
      )
    })
    expect(cost).toBe(0n)
  })

  test('says no more than is true: what it lets pass is paid', async () => {
    const args = [url, '-d', invoice, '--max-cost', '10']
    expect((await getJson(['--dry-run', ...args])).report).toMatchObject({
      maxFeeMsat: '5000',
      exitCode: 0,
    })
    const cost = await costOf(async () => {
      expect((await getJson(args)).report).toMatchObject({
        outcome: 'paid_delivered',
        exitCode: 0,
      })
    })
    expect(cost).toBe(costMsat)
  })

  test('tells the fee that --max-fee allows', async () => {
    const { report } = await getJson(['--dry-run', url, '-d', invoice, '--max-fee', '2500msat'])
    expect(report).toMatchObject({ maxFeeMsat: '2500', exitCode: 0 })
  })

  test('sends the real method, headers and body', async () => {
    const seen: string[] = []
    const { server, origin } = await serve((request, response) => {
      let body = ''
      request.on('data', (chunk) => {
        body += String(chunk)
      })
      request.on('end', () => {
        seen.push(`${request.method} ${request.headers['x-a']} ${body}`)
        response.end()
      })
    })
    const { code } = await get(['--dry-run', `${origin}/x`, '-X', 'PUT', '-H', 'X-A: b', '-d', 'c'])
    server.close()
    expect([seen, code]).toEqual([['PUT b c'], 0])
  })

  test('says that it would be refused, and why', async () => {
    const { code, report } = await getJson(['--dry-run', url, '-d', invoice, '--max-cost', '5'])
    expect(report).toMatchObject({
      outcome: 'refused',
      status: 402,
      amountMsat: String(priceMsat),
      feeMsat: null,
      maxFeeMsat: null,
      paymentHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      quote: 'refused',
      error: {
        code: 'BUDGET_EXCEEDED',
        reason: 'expected-price',
        message: 'It costs 10 sat, and --max-cost allows 5 sat.',
      },
      exitCode: 8,
    })
    expect(code).toBe(8)
    const { stderr } = await get(['--dry-run', url, '-d', invoice, '--max-cost', '5'])
    expect(stderr).not.toContain('Every check passed')
  })
})

describe('satway get stops before it pays', () => {
  for (const [what, args, exitCode, code] of [
    ['too expensive', ['--max-cost', '9999msat'], 8, 'BUDGET_EXCEEDED'],
    ['too expensive, in sat', ['--max-cost', '9sat'], 8, 'BUDGET_EXCEEDED'],
    ['nothing allowed', ['--max-cost', '0'], 8, 'BUDGET_EXCEEDED'],
    ['a fee above the limit', ['--max-fee', '1sat'], 4, 'PAYMENT_FAILED'],
    ['no fee allowed', ['--max-cost', '10sat', '--max-fee', '0'], 4, 'PAYMENT_FAILED'],
    ['a header that the credential would replace', ['-H', 'Authorization: x'], 3, 'POLICY_REFUSED'],
  ] as const) {
    test(`${what}: exit code ${exitCode}`, async () => {
      const cost = await costOf(async () => {
        const ended = await getJson([url, '-d', invoice, ...args])
        expect(ended.report).toMatchObject({
          exitCode,
          error: { code },
          body: null,
          status: 402,
          amountMsat: String(priceMsat),
          feeMsat: null,
          paymentHash: expect.stringMatching(/^[0-9a-f]{64}$/),
        })
        expect(ended.code).toBe(exitCode)
        const { stdout, stderr } = await get([url, '-d', invoice, ...args])
        expect(stdout).toBe('')
        expect(stderr.match(/nothing was paid|no money moved/gi)).toHaveLength(1)
        expect(stderr).toMatch(/--max-cost|--max-fee|--replace-authorization/)
      })
      expect(cost).toBe(0n)
    })
  }

  test('for a header that it may replace, once it is told so', async () => {
    const args = [url, '-d', invoice, '-H', 'Authorization: Bearer x', '--replace-authorization']
    const cost = await costOf(async () => {
      expect((await getJson(args)).report).toMatchObject({ outcome: 'paid_delivered' })
    })
    expect(cost).toBe(costMsat)
  })

  test('and names the fee limit that was in the way', async () => {
    const { stderr } = await get([url, '-d', invoice, '--max-fee', '1sat'])
    expect(stderr).toBe(
      'Price 10 sat.\n' +
        'satway get: The payment failed: the route takes more than the 1 sat allowed.\n' +
        'No money moved. Allow a higher fee with --max-fee.\n',
    )
  })

  test('at what the API cannot decode: it says so, at no charge', async () => {
    const cost = await costOf(async () => {
      const { code, report } = await getJson([url, '-d', 'lnbcnonsense'])
      expect(report).toMatchObject({
        outcome: 'not_paid',
        status: 422,
        contentType: 'application/problem+json',
        error: { code: 'HTTP_STATUS' },
      })
      expect(JSON.parse(String(report['body']))).toMatchObject({ code: 'INVOICE_MALFORMED' })
      expect(code).toBe(22)
    })
    expect(cost).toBe(0n)
  })

  test('without a wallet, and says where one is to be had', async () => {
    const elsewhere = makeHome()
    const { code, stderr } = await satway(elsewhere.path, ['get', url, '-d', invoice])
    expect(stderr).toContain('no wallet to pay it with')
    expect(stderr).toContain('npm start')
    expect(code).toBe(7)
    const free = await satway(elsewhere.path, ['get', new URL('/', url).href])
    expect(free.code).toBe(0)
    elsewhere.remove()
  })

  test('with a wallet file that is not there, or open to others, or nonsense', async () => {
    const open = join(home.path, 'open.json')
    writeFileSync(open, JSON.stringify(wallet), { mode: 0o644 })
    const nonsense = join(home.path, 'nonsense.json')
    writeFileSync(nonsense, 'hunter2', { mode: 0o600 })
    for (const file of ['/nowhere/x.json', open, nonsense]) {
      const { code, stderr } = await get([url, '-d', invoice, '--wallet', `devnet:${file}`])
      expect(stderr).toContain(`The wallet cannot be reached: ${file}: `)
      expect(stderr).not.toContain(wallet.secret)
      expect(stderr).not.toContain('hunter2')
      expect(code).toBe(7)
    }
  })

  test('where the server cannot be reached', async () => {
    const { server, origin } = await serve((_, response) => response.end())
    await new Promise((resolve) => server.close(resolve))
    const { code, report } = await getJson([origin])
    expect(report).toMatchObject({ outcome: 'not_paid', status: null, error: { code: 'NETWORK' } })
    expect(code).toBe(7)
  })

  test('where the server does not answer in time', async () => {
    const { server, origin } = await serve(() => undefined)
    const { code, stderr } = await get([origin, '--timeout', '0.3'])
    server.closeAllConnections()
    server.close()
    expect(stderr).toContain('no answer within 0.3 s')
    expect(code).toBe(7)
  })
})

describe('a wallet', () => {
  test('is named by the environment, and by the flag before it', async () => {
    const elsewhere = makeHome()
    const file = join(home.path, '.satway/devnet.json')
    const env = { SATWAY_WALLET: `devnet:${file}` }
    const byEnvironment = await satway(elsewhere.path, ['get', url, '-d', invoice], { env })
    expect(byEnvironment.code).toBe(0)
    const byFlag = await satway(
      elsewhere.path,
      ['get', url, '-d', invoice, '--wallet', `devnet:${file}`],
      { env: { SATWAY_WALLET: 'devnet:/nowhere' } },
    )
    expect(byFlag.code).toBe(0)
    elsewhere.remove()
  })

  test('that went away before it was asked is exit code 7: nothing was paid', async () => {
    const file = join(home.path, 'gone.json')
    writeFileSync(file, JSON.stringify({ url: 'http://127.0.0.1:9', secret: '00'.repeat(32) }), {
      mode: 0o600,
    })
    const { code, report } = await getJson([url, '-d', invoice, '--wallet', `devnet:${file}`])
    expect(report).toMatchObject({ outcome: 'not_paid', error: { code: 'NODE_UNAVAILABLE' } })
    expect(code).toBe(7)
  })

  test('that falls silent after the order is exit code 5: do not pay again', async () => {
    const { server, origin } = await serve((request) => {
      request.on('data', () => request.socket.destroy())
    })
    const file = join(home.path, 'silent.json')
    writeFileSync(file, JSON.stringify({ url: origin, secret: '00'.repeat(32) }), { mode: 0o600 })
    const { code, report } = await getJson(
      [url, '-d', invoice, '--wallet', `devnet:${file}`],
      newSpender(),
    )
    server.close()
    expect(report).toMatchObject({
      outcome: 'unknown',
      amountMsat: String(priceMsat),
      feeMsat: null,
      error: { code: 'PAYMENT_UNKNOWN' },
    })
    expect(code).toBe(5)
  })

  test('that falls silent leaves the whole payment hash to look it up by', async () => {
    const { server, origin } = await serve((request) => {
      request.on('data', () => request.socket.destroy())
    })
    const file = join(home.path, 'silent.json')
    writeFileSync(file, JSON.stringify({ url: origin, secret: '00'.repeat(32) }), { mode: 0o600 })
    const { stderr } = await get([url, '-d', invoice, '--wallet', `devnet:${file}`], newSpender())
    server.close()
    expect(stderr).toMatch(/^Price 10 sat\.\nPayment hash [0-9a-f]{64}\n/)
    expect(stderr).toMatch(/It is not paid again\. .*: satway resume [0-9a-f]{12}\n/)
  })
})

const paidAndLost =
  /^Paid 10 sat, fee 1\.001 sat, to 127\.0\.0\.1:\d+\.\nPayment hash [0-9a-f]{64}\n/

describe('a server that took the money', () => {
  test('and refuses the credential is exit code 6, with what it cost', async () => {
    // Passes on what the seller asks for, and keeps what it is paid with to itself.
    const { server, origin } = await serve((request, response) => {
      if (request.headers.authorization !== undefined) {
        response.writeHead(401).end()
        return
      }
      void fetch(url, { method: 'POST', body: invoice }).then((challenge) => {
        response
          .writeHead(402, { 'www-authenticate': challenge.headers.get('www-authenticate')! })
          .end()
      })
    })
    const { code, report } = await getJson([`${origin}/x`], newSpender())
    expect(report).toMatchObject({
      outcome: 'paid_not_delivered',
      amountMsat: String(priceMsat),
      feeMsat: String(costMsat - priceMsat),
      error: { code: 'PAYMENT_NOT_DELIVERED' },
      exitCode: 6,
    })
    expect(code).toBe(6)
    const { stderr } = await get([`${origin}/y`], newSpender())
    expect(stderr).toMatch(paidAndLost)
    expect(stderr).toMatch(/without paying again: satway resume [0-9a-f]{12}\n/)
    server.close()
  })

  for (const [what, sent, message] of [
    ['before its answer', '', 'It was paid, and no answer came: '],
    [
      'in the middle of its answer',
      'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 100\r\n\r\nhalf of',
      'It was paid, and its answer broke off: ',
    ],
  ] as const) {
    test(`and breaks off ${what} is exit code 6, with what it cost`, async () => {
      const { server, origin } = await breakOff(sent)
      const cost = await costOf(async () => {
        const { code, report } = await getJson([origin], newSpender())
        expect(report).toMatchObject({
          outcome: 'paid_not_delivered',
          amountMsat: String(priceMsat),
          feeMsat: String(costMsat - priceMsat),
          paymentHash: expect.stringMatching(/^[0-9a-f]{64}$/),
          body: null,
          error: { code: 'PAYMENT_NOT_DELIVERED', message: expect.stringContaining(message) },
          exitCode: 6,
        })
        expect(code).toBe(6)
      })
      expect(cost).toBe(costMsat)

      const file = join(home.path, 'broken-off')
      const { code, stdout, stderr } = await get([origin, '-o', file], newSpender())
      expect([code, stdout, existsSync(file)]).toEqual([6, '', false])
      expect(stderr).toMatch(paidAndLost)
      expect((await get([origin], newSpender())).stdout).toBe(sent === '' ? '' : 'half of')
      server.close()
    })
  }
})

describe('the request', () => {
  let server: Server
  let origin: string
  const seen: { method: string; headers: Record<string, unknown>; body: string }[] = []
  beforeAll(async () => {
    ;({ server, origin } = await serve((request, response) => {
      let body = ''
      request.on('data', (chunk) => {
        body += String(chunk)
      })
      request.on('end', () => {
        seen.push({ method: request.method!, headers: request.headers, body })
        response.writeHead(request.url === '/500' ? 500 : 200).end('answer')
      })
    }))
  })
  afterAll(() => server.close())

  test('keeps a comma in a header, and sends a header that is given twice', async () => {
    await get([origin, '-H', 'Accept: text/html, text/plain;q=0.5', '-H', 'X-A: 1', '-H', 'x-a: 2'])
    expect(seen.at(-1)).toMatchObject({
      method: 'GET',
      headers: { accept: 'text/html, text/plain;q=0.5', 'x-a': '1, 2' },
    })
  })

  for (const [what, data, contentType] of [
    ['JSON', '{"a":1}', 'application/json'],
    ['text', 'lnbc1...', 'text/plain; charset=utf-8'],
    ['nothing', '', 'text/plain; charset=utf-8'],
  ] as const) {
    test(`with data is a POST, and its type is told: ${what}`, async () => {
      await get([origin, '-d', data])
      expect(seen.at(-1)).toMatchObject({
        method: 'POST',
        headers: { 'content-type': contentType },
        body: data,
      })
    })
  }

  test('reads data from a file and from standard input', async () => {
    const file = join(home.path, 'data.json')
    writeFileSync(file, '{"b":2}\n')
    await get([origin, '-d', `@${file}`])
    expect(seen.at(-1)?.body).toBe('{"b":2}\n')
    await get([origin, '-d', '@-', '-X', 'patch', '-H', 'Content-Type: a/b'], { input: 'in' })
    expect(seen.at(-1)).toMatchObject({
      method: 'PATCH',
      body: 'in',
      headers: { 'content-type': 'a/b' },
    })
  })

  test('whose data cannot be read is not sent', async () => {
    const before = seen.length
    const { code, stderr } = await get([origin, '-d', '@/nowhere'])
    expect(stderr).toContain('/nowhere cannot be read')
    expect([code, seen.length]).toEqual([1, before])
  })

  test('writes the body to a file, whole or not at all', async () => {
    const file = join(home.path, 'out')
    expect(await get([origin, '-o', file])).toMatchObject({ code: 0, stdout: '' })
    expect(readFileSync(file, 'utf8')).toBe('answer')

    writeFileSync(file, 'earlier')
    // A device or a pipe is written to, and never replaced by a file: /dev/null would be gone.
    const pipe = join(home.path, 'pipe')
    expect((await shell(home.path, `mkfifo ${pipe}`)).code).toBe(0)
    const reading = shell(home.path, `cat ${pipe}`)
    expect((await get([origin, '-o', pipe])).code).toBe(0)
    expect((await reading).stdout).not.toBe('')
    expect(statSync(pipe).isFIFO()).toBe(true)
    const failed = await get([`${origin}/500`, '-o', file])
    expect(failed).toMatchObject({ code: 22, stdout: 'answer' })
    expect(readFileSync(file, 'utf8')).toBe('earlier')

    const { code, stderr } = await get([origin, '-o', '/nowhere/out'])
    expect(stderr).toContain('Nothing was sent')
    expect(code).toBe(1)
    expect(readdirSync(home.path).filter((name) => name.endsWith('.part'))).toEqual([])
    expect(existsSync('/nowhere')).toBe(false)
  })

  test('that nobody reads what is said beside the body ends nothing', async () => {
    const program = `${process.execPath} ${join(root, 'program/bin/satway.js')}`
    const line = `{ ${program} get -v ${origin} 2>&1 1>&3 | true; } 3>&1`
    expect((await shell(home.path, line)).stdout).toBe('answer')
  })

  test('streams: what has arrived is written before the rest is there', async () => {
    let finish: (() => void) | undefined
    const slow = await serve((_, response) => {
      response.write('first')
      finish = () => response.end('second')
    })
    const child = startSatway(home.path, ['get', slow.origin])
    await child.waitFor(/first/)
    finish?.()
    const { stdout } = await child.ended()
    expect(stdout).toBe('firstsecond')
    slow.server.close()
  })
})

/** Sells the seller's challenge, and takes the payment for it with `sent` and a closed connection. */
async function breakOff(sent: string): Promise<{ server: NetServer; origin: string }> {
  const server = createNetServer((socket) => {
    let head = ''
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      head += String(chunk)
      if (!head.includes('\r\n\r\n')) return
      if (/^authorization: l402 /im.test(head)) {
        socket.write(sent, () => socket.destroy())
        return
      }
      void fetch(url, { method: 'POST', body: invoice }).then((challenge) => {
        const line = challenge.headers.get('www-authenticate')
        socket.end(
          `HTTP/1.1 402 Payment Required\r\nWWW-Authenticate: ${line}\r\n` +
            'Content-Length: 0\r\nConnection: close\r\n\r\n',
        )
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { server, origin: `http://127.0.0.1:${address.port}` }
}

async function serve(listener: RequestListener): Promise<{ server: Server; origin: string }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { server, origin: `http://127.0.0.1:${address.port}` }
}
