import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { makeHome, root, satway } from './satway.ts'

type Official = {
  readonly official: {
    readonly valid: readonly {
      readonly name: string
      readonly invoice: string
      readonly expect: {
        readonly amountMsat: string | null
        readonly paymentHash: string
        readonly payee: string
        readonly description?: string
      }
    }[]
    readonly invalid: readonly { readonly name: string; readonly invoice: string }[]
  }
}
type Headers = { readonly variables: Readonly<Record<string, string>> }

const read = (name: string): unknown =>
  JSON.parse(readFileSync(join(root, 'spec/vectors', name), 'utf8'))
const { official } = read('bolt11.json') as Official
const { variables } = read('l402-headers.json') as Headers
const { M = '', MU = '', I = '' } = variables
const P = '0000000000000000000000000000000000000000000000000000000000000001'
const signature = Buffer.from(M, 'base64').subarray(-32)
/** Every spelling in which the token's secrets could come out. */
const secrets = [M, MU, signature.toString('hex'), signature.toString('base64'), P]
const paymentHash = 'ec4916dd28fc4c10d78e287ca5d9cc51ee1ae73cbfde08c6b37324cbfaac8bc5'

const home = makeHome()
afterAll(() => home.remove())

async function decodeJson(
  text: string,
): Promise<{ code: number | null; json: Record<string, unknown> }> {
  const { code, stdout } = await satway(home.path, ['decode', '-'], { input: text })
  return { code, json: JSON.parse(stdout) as Record<string, unknown> }
}

describe('satway decode recognises', () => {
  for (const [what, text, expected] of [
    ['an invoice', I, { kind: 'invoice', paymentHash, amountMsat: '100000', signature: 'valid' }],
    ['an invoice in capitals', I.toUpperCase(), { kind: 'invoice', paymentHash }],
    ['an invoice with its URI scheme', `lightning:${I}`, { kind: 'invoice', paymentHash }],
    [
      'an invoice in a Bitcoin link',
      `BITCOIN:BC1QXY?amount=0.1&LIGHTNING=${I.toUpperCase()}&pj=x`,
      { kind: 'invoice', paymentHash },
    ],
    ['an invoice in JSON', JSON.stringify({ invoice: I }), { kind: 'invoice', paymentHash }],
    ['an invoice between spaces', `  ${I}\n`, { kind: 'invoice', paymentHash }],
    ['a macaroon', M, { kind: 'macaroon', l402: { version: 0, paymentHash } }],
    ['a macaroon in base64url', MU, { kind: 'macaroon', l402: { version: 0, paymentHash } }],
    [
      'a macaroon in hex',
      Buffer.from(M, 'base64').toString('hex'),
      { kind: 'macaroon', l402: { version: 0, paymentHash } },
    ],
    [
      'a macaroon in JSON',
      `{"v":2,"i":"id","c":[{"i":"a=b"}],"s64":"${signature.toString('base64url')}"}`,
      { kind: 'macaroon', l402: null, identifier: '6964' },
    ],
    [
      'a credential',
      `L402 ${M}:${P}`,
      { kind: 'credential', schemes: ['L402'], provesPayment: true },
    ],
    [
      'a credential under its old name, as a header line',
      `Authorization: LSAT ${MU}:${P}`,
      { kind: 'credential', schemes: ['LSAT'], provesPayment: true },
    ],
    ['a credential without its scheme', `${M}:${P}`, { kind: 'credential', provesPayment: true }],
  ] as const) {
    test(what, async () => {
      const { code, json } = await decodeJson(text)
      expect(json).toMatchObject(expected)
      expect(code).toBe(0)
      for (const secret of secrets) expect(JSON.stringify(json)).not.toContain(secret)
    })
  }

  for (const [what, text] of [
    ['a challenge', `L402 macaroon="${M}", invoice="${I}"`],
    ['a header line', `WWW-Authenticate: LSAT macaroon="${MU}", invoice="${I}"`],
    [
      'the head of a response',
      `HTTP/1.1 402 Payment Required\r\nwww-authenticate: Bearer realm="x"\r\nWWW-Authenticate: L402 version="0", token="${M}", macaroon="${M}", invoice="${I}"\r\nDate: x\r\n\r\n{}`,
    ],
    [
      'the body of a 402',
      JSON.stringify({ title: 'Payment Required', token: M, macaroon: M, invoice: I, price: 1 }),
    ],
    ['such a body with one name for the token', JSON.stringify({ macaroon: MU, invoice: I })],
    [
      'what curl -v writes',
      `* Connected\n> GET /x HTTP/1.1\n> Authorization: Bearer x\n>\n< HTTP/1.1 402 Payment Required\r\n< WWW-Authenticate: L402 macaroon="${M}", invoice="${I}"\r\n<\r\n{"hint":"lnbc..."}`,
    ],
  ] as const) {
    test(`${what}, and says that its invoice has expired`, async () => {
      const { code, json } = await decodeJson(text)
      expect(json).toMatchObject({
        kind: 'challenge',
        challenges: [
          {
            hashesMatch: true,
            token: { l402: { paymentHash } },
            invoice: { paymentHash, expired: true },
            faults: ['Its invoice has expired.'],
          },
        ],
      })
      expect(code).toBe(1)
      for (const secret of secrets) expect(JSON.stringify(json)).not.toContain(secret)
    })
  }
})

describe('satway decode shows what is wrong with', () => {
  test('a token that is for another payment than the invoice', async () => {
    const other = official.valid[1]!.invoice
    const { code, json } = await decodeJson(`L402 macaroon="${M}", invoice="${other}"`)
    expect(json).toMatchObject({ challenges: [{ hashesMatch: false }] })
    expect(JSON.stringify(json)).toContain('commits to another payment')
    expect(code).toBe(1)
  })

  test('a preimage that is not the one', async () => {
    const { code, json } = await decodeJson(`L402 ${M}:${'00'.repeat(32)}`)
    expect(json).toMatchObject({ provesPayment: false })
    expect(code).toBe(1)
  })

  test('a body whose two tokens differ', async () => {
    const body = { token: M, macaroon: MU.slice(4), invoice: I }
    const { code, json } = await decodeJson(JSON.stringify(body))
    expect(JSON.stringify(json)).toContain('token and macaroon differ')
    expect(code).toBe(1)
  })

  test('an invoice whose signature cannot be, and shows its fields nevertheless', async () => {
    const unsigned = official.invalid.find(({ name }) => name.startsWith('Signature is not'))!
    const { code, json } = await decodeJson(unsigned.invoice)
    expect(json).toMatchObject({ kind: 'invoice', payee: null, amountMsat: '250000000' })
    expect(json['signature']).toMatch(/signature/)
    expect(code).toBe(1)
  })

  test('an invoice that requires a feature nobody knows, which can be read all the same', async () => {
    const odd = official.invalid.find(({ name }) => name.includes('feature 100'))!
    const { code, json } = await decodeJson(odd.invoice)
    expect(json).toMatchObject({ payee: null, signature: 'not checked' })
    expect(json['warnings']).toEqual([expect.stringContaining('feature 100')])
    expect(code).toBe(0)
  })
})

describe('the official invoices of BOLT 11', () => {
  test('are all decoded', async () => {
    for (const { invoice, expect: expected } of official.valid) {
      const { code, json } = await decodeJson(invoice)
      expect(json).toMatchObject({
        amountMsat: expected.amountMsat,
        paymentHash: expected.paymentHash,
        payee: expected.payee,
        description: expected.description ?? null,
      })
      expect(code).toBe(0)
    }
  })
})

describe('satway decode refuses, with exit code 1 and without repeating it,', () => {
  for (const [what, text, message] of [
    ['nothing', '', 'empty'],
    ['a word', 'hello!', 'looks like none'],
    ['an invoice with a letter changed', I.replace('l402', 'l').slice(0, -1) + 'q', 'checksum'],
    ['half an invoice', I.slice(0, 100), 'invoice'],
    ['half a token', M.slice(0, 80), 'macaroon'],
    ['a credential with a short preimage', `L402 ${M}:${P.slice(2)}`, 'credential'],
    ['a page that is no challenge', 'HTTP/1.1 200 OK\r\n\r\n', 'no WWW-Authenticate'],
    ['JSON of another kind', '{"title":"Unprocessable","status":422,"a":"bcdefgh"}', 'neither'],
    ['curl -v of a page that is free', '> GET / HTTP/1.1\n< HTTP/1.1 200 OK\r\n<', 'no WWW-'],
    ['a BOLT 12 offer', 'lno1pqps7sjqpgtyzm3qv4uxzmtsd3jjqer9wd3hy6tsw35k7', 'BOLT 12'],
    ['a thousand backslashes', '\\'.repeat(1000), 'looks like none'],
    ['more than it reads', 'a'.repeat(300_000), 'longer'],
  ] as const) {
    test(what, async () => {
      const { code, stdout, stderr } = await satway(home.path, ['decode', '-'], { input: text })
      expect(stdout).toBe('')
      expect(stderr).toContain(message)
      expect(code).toBe(1)
      if (text.length > 20) expect(stderr).not.toContain(text.slice(0, 20))
      expect(stderr.length).toBeLessThan(500)
    })
  }
})

describe('satway decode says what else it is, with exit code 1:', () => {
  const node = `02${'ab'.repeat(32)}`
  for (const [text, message] of [
    ['bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq', 'Bitcoin address'],
    ['TB1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KXPJZSX', 'Bitcoin address'],
    ['1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2', 'Bitcoin address'],
    ['bitcoin:bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq?amount=1', 'Bitcoin payment link'],
    [node, 'id of a Lightning node'],
    [`${node}@203.0.113.7:9735`, 'address of a Lightning node'],
    ['alice.b@pay.example.com', 'Lightning Address'],
    ['lightning:lnurl1dp68gurn8ghj7um9wfmxjcm99e3k7mf0v9cxj0m385ekvcenxc6r2c35', 'LNURL'],
    ['lno1pqps7sjqpgtyzm3qv4uxzmtsd3jjqer9wd3hy6tsw35k7', 'BOLT 12 offer'],
    ['cd'.repeat(32), 'a payment hash or a preimage'],
    ['https://api.example.com/weather', 'satway get --dry-run'],
  ] as const) {
    test(message, async () => {
      const { code, stdout, stderr } = await satway(home.path, ['decode', text])
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toContain(message)
      expect(stderr).not.toContain(text)
    })
  }
})

describe('satway decode tells whoever copied an example', () => {
  for (const text of [
    'lnbc2500u1pvjluezsp5...',
    'L402 macaroon="...", invoice="..."',
    'WWW-Authenticate: L402 macaroon="AgE…", invoice="lnbc…"',
    'L402 ...:...',
    'L402 <token>:<preimage>',
    'AgEL...',
    '{"invoice":"lnbc..."}',
  ]) {
    test(text, async () => {
      const { code, stderr } = await satway(home.path, ['decode', text])
      expect(stderr).toContain('put in the whole text')
      expect(code).toBe(1)
    })
  }
})

describe('secrets in satway decode', () => {
  test('are shown with --show-secrets only', async () => {
    const text = `L402 ${M}:${P}`
    const open = await satway(home.path, ['decode', '--show-secrets', '-'], { input: text })
    expect(open.stdout).toContain(P)
    expect(open.stdout).toContain(signature.toString('hex'))
  })

  test('stay hidden where a client put the preimage into the token', async () => {
    const macaroon = {
      v: 2,
      i: 'x',
      c: [{ i: `preimage=${P}` }],
      s64: signature.toString('base64url'),
    }
    const { stdout } = await satway(home.path, ['decode', '-'], { input: JSON.stringify(macaroon) })
    expect(stdout).toContain('preimage=')
    for (const secret of secrets) expect(stdout).not.toContain(secret)
  })

  test('of people are told from text: control characters do not reach the terminal', async () => {
    const macaroon = {
      v: 2,
      i: 'x',
      l: 'a\u001b[31m\u202eb',
      c: [],
      s64: signature.toString('base64url'),
    }
    const { stdout } = await satway(home.path, ['decode', '--text', '-'], {
      input: JSON.stringify(macaroon),
    })
    expect(stdout).not.toContain('\u001b')
    expect(stdout).not.toContain('\u202e')
  })
})
