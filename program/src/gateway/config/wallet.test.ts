import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GatewayConfig } from './index.ts'
import { combine, oneLineConfig, readConfig } from './index.ts'

let folder: string
const marked = 'c0ffee5ec2e7c0ffee5ec2e7c0ffee5ec2e7c0ffee5ec2e7'

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'satway-wallet-config-'))
  const write = (name: string, text: string, mode: number): void => {
    writeFileSync(join(folder, name), text)
    chmodSync(join(folder, name), mode)
  }
  write('uri', `phoenixd://127.0.0.1:9740?password=${marked}\n`, 0o600)
  write('open-uri', `phoenixd://127.0.0.1:9740?password=${marked}\n`, 0o644)
  write('loop', 'env:WALLET_URI\n', 0o600)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const env = {
  HOME: '/home/satway',
  WALLET_URI: `lnbits://lnbits.example?key=${marked}`,
  WALLET_HOST: '10.0.0.2',
  EMPTY: '',
}

async function read(wallet: string, routes = 'GET /x: 10 sat', limits?: object) {
  const text = `wallet: ${wallet}
services:
  - name: shop
    upstream: http://127.0.0.1:3000
    routes:
      ${routes}
`
  return await readConfig(
    text,
    { file: join(folder, 'satway.yaml'), env },
    { limits: limits as never },
  )
}

async function walletOf(wallet: string): Promise<GatewayConfig['wallet']> {
  const reading = await read(wallet)
  if ('mistakes' in reading) throw new Error(JSON.stringify(reading.mistakes))
  return reading.config.wallet
}

async function mistakesOf(
  wallet: string,
  ...more: readonly [string?, object?]
): Promise<readonly string[]> {
  const reading = await read(wallet, ...more)
  expect(inspect(reading, { depth: 9 })).not.toContain(marked)
  if (!('mistakes' in reading)) return []
  return reading.mistakes.map(
    ({ line, column, path, message }) => `${line}:${column} ${path} ${message}`,
  )
}

const lnd = 'lnd://10.0.0.2:8080?macaroon=file:/m&cert=file:/c'

describe('R-GWW-1 a wallet is devnet or a wallet URI', () => {
  for (const [written, wallet, network] of [
    [lnd, 'lnd', 'bitcoin'],
    [`${lnd}&network=regtest`, 'lnd', 'regtest'],
    [`{ uri: "${lnd}" }`, 'lnd', 'bitcoin'],
    ['cln:///run/lightning-rpc', 'cln', 'bitcoin'],
    ['phoenixd://127.0.0.1:9740?password=env:PW', 'phoenixd', 'bitcoin'],
    ['lnbits://lnbits.example?key=file:~/key', 'lnbits', 'bitcoin'],
    ['btcpay://pay.example/STORE?key=file:/k', 'btcpay', 'bitcoin'],
    ['charge://127.0.0.1:9112?token=file:/t', 'charge', 'bitcoin'],
    ['lnurl:alice@example.com', 'lnurl', 'bitcoin'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of the configuration
    ['"lnd://${WALLET_HOST}:8080?macaroon=file:/m"', 'lnd', 'bitcoin'],
  ] as const) {
    test(`${written}: ${wallet} on ${network}`, async () => {
      const config = await walletOf(written)
      expect(config).toMatchObject({ kind: 'uri', wallet, network, allowSpending: false })
    })
  }

  test('devnet: and a file is the embedded network with the wallet of a buyer there', async () => {
    expect(await walletOf('devnet:./buyer.json')).toEqual({
      kind: 'devnet',
      file: join(folder, 'buyer.json'),
      balanceMsat: 1_000_000_000n,
      force: false,
    })
    expect(await mistakesOf('{ uri: "devnet:./buyer.json", allow_spending: true }')).toEqual([
      '1:55 wallet.allow_spending the embedded network has nothing to spend: leave it out',
    ])
  })

  test('allow_spending is taken where it is written', async () => {
    expect(await walletOf(`{ uri: "${lnd}", allow_spending: true }`)).toMatchObject({
      allowSpending: true,
    })
  })

  test('a URI on the command line is the same', async () => {
    const where = { file: join(folder, 'satway.yaml'), env }
    const upstream = { upstream: 'http://127.0.0.1:3000', price: '10sat' }
    const reading = await readConfig(
      oneLineConfig({ ...upstream, wallet: lnd, allowSpending: true }),
      where,
    )
    expect(reading).toMatchObject({
      config: { wallet: { kind: 'uri', wallet: 'lnd', allowSpending: true } },
    })
    const devnet = await readConfig(oneLineConfig({ ...upstream, wallet: 'devnet' }), where)
    expect(devnet).toMatchObject({ config: { wallet: { kind: 'devnet' } } })
  })
})

describe('R-GWW-2 a secret stands in no configuration', () => {
  for (const [written, option] of [
    [`lnd://127.0.0.1:8080?macaroon=${marked}`, 'macaroon'],
    [`{ uri: "phoenixd://127.0.0.1:9740?password=${marked}" }`, 'password'],
    [`lnbits://lnbits.example?key=${marked}`, 'key'],
    [`charge://127.0.0.1:9112?token=${marked}`, 'token'],
  ] as const) {
    test(`${option}= with the secret itself is refused, with what to write`, async () => {
      const [mistake, ...others] = await mistakesOf(written)
      expect(others).toEqual([])
      expect(mistake).toMatch(/^1:\d+ wallet(?:\.uri)? a secret does not belong in here/)
      expect(mistake).toContain(`write ${option}=file:/PATH, or ${option}=env:NAME`)
    })
  }

  for (const [written, wallet] of [
    ['file:uri', 'phoenixd'],
    ['{ uri: file:uri }', 'phoenixd'],
    ['env:WALLET_URI', 'lnbits'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of the configuration
    ['${WALLET_URI}', 'lnbits'],
  ] as const) {
    test(`${written}: the whole URI elsewhere may have it in it`, async () => {
      expect(await walletOf(written)).toMatchObject({ kind: 'uri', wallet })
    })
  }

  for (const [written, expected] of [
    ['file:open-uri', /others than its owner can read; run: chmod 600/],
    ['file:nowhere', /there is no such file/],
    ['env:NOT_SET', /^1:9 wallet environment variable NOT_SET is not set$/],
    ['env:EMPTY', /^1:9 wallet environment variable EMPTY is not set$/],
    ['file:loop', /names another place: write the URI itself there/],
  ] as const) {
    test(`${written}: ${String(expected)}`, async () => {
      const mistakes = await mistakesOf(written)
      expect(mistakes).toHaveLength(1)
      expect(mistakes[0]).toMatch(expected)
    })
  }
})

describe('R-GWW-3 a mistake of a URI has its place, and repeats no secret', () => {
  for (const [written, expected] of [
    ['lnd://10.0.0.2:8080', '1:9 wallet lacks macaroon=file:/path'],
    [`{ uri: "${lnd}&macaroon=${marked}" }`, '1:16 wallet.uri ?macaroon is there twice'],
    [
      `lnd://10.0.0.2?macaroom=${marked}`,
      '1:9 wallet ?macaroom: is not known here; did you mean macaroon?',
    ],
    [
      `"${lnd}&network=lunarnet"`,
      '1:9 wallet ?network: expected bitcoin, testnet, signet, regtest, simnet',
    ],
    [
      `{ uri: "${lnd}", allow_spendings: true }`,
      '1:69 wallet.allow_spendings is not known here; did you mean allow_spending?',
    ],
    ['{ allow_spending: true }', '1:1 wallet.uri expected the URI of a wallet'],
    [`{ uri: "${lnd}", allow_spending: yes }`, '1:85 wallet.allow_spending expected true or false'],
    ['{ uri: 5 }', '1:16 wallet.uri expected the URI of a wallet'],
  ] as const) {
    test(`${written.replace(marked, '…')}: ${expected}`, async () => {
      expect(await mistakesOf(written)).toEqual([expected])
    })
  }

  test('any text is a wallet or a mistake', async () => {
    for (const text of ['lnd:', '://', 'lnd://', 'a@b', '@', 'x:y', 'lnd://[', '%', 'devnet:']) {
      expect(await mistakesOf(JSON.stringify(text))).toHaveLength(1)
    }
  })
})

describe('R-GWW-4 a wallet that only pays is a mistake', () => {
  test('https://…/payinvoice', async () => {
    const [mistake] = await mistakesOf('https://wallet.example/payinvoice?token=env:T')
    expect(mistake).toMatch(/^1:9 wallet A wallet that takes POST \/payinvoice only pays/)
  })
})

describe('R-GWW-5 what the wallet cannot say in an invoice is a mistake of its route', () => {
  const limits = { wallet: 'phoenixd', amountStepMsat: '1000', maxDescriptionBytes: 8 }
  for (const [routes, expected] of [
    ['GET /x: 10 sat', []],
    [
      'GET /x: 1500msat',
      [
        '6:15 services[0].routes["GET /x"] phoenixd makes invoices of whole sat only: write 1 sat or 2 sat',
      ],
    ],
    [
      'GET /x: { price: 1msat, uses: 3 }',
      [
        '6:24 services[0].routes["GET /x"].price phoenixd makes invoices of whole sat only: write 1 sat',
      ],
    ],
    ['GET /x: { price: 1 sat, description: "é12345" }', []],
    [
      'GET /x: { price: 1 sat, description: "é1234567" }',
      [
        '6:44 services[0].routes["GET /x"].description phoenixd takes at most 8 bytes, and this has 9',
      ],
    ],
  ] as const) {
    test(`${routes}: ${expected.length === 0 ? 'sold' : expected[0]}`, async () => {
      expect(await mistakesOf('devnet', routes, limits)).toEqual(expected)
    })
  }

  test('also of a service that is about to be stored, which is refused', async () => {
    const document = {
      name: 'extra',
      mount: '/e',
      upstream: 'http://127.0.0.1:3001',
      routes: { 'GET /e/x': '1500msat' },
    }
    const reading = await combine(
      'wallet: devnet\nservices: []\n',
      [{ name: 'extra', document }],
      { file: join(folder, 'satway.yaml'), env },
      { fresh: 'extra', limits },
    )
    expect('mistakes' in reading ? reading.mistakes : []).toMatchObject([
      {
        path: 'routes["GET /e/x"]',
        message: 'phoenixd makes invoices of whole sat only: write 1 sat or 2 sat',
      },
    ])
  })

  test('without limits of a wallet any amount is sold', async () => {
    expect(await mistakesOf('devnet', 'GET /x: 1msat')).toEqual([])
  })
})
