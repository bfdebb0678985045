import { readFileSync } from 'node:fs'
import { formatCredential, preimage } from 'satway'
import { describe, expect, test } from 'vitest'
import { classicClients } from './classic-client.ts'
import { getRaw } from './loopback.ts'
import { openMarket } from './market.ts'
import { openShop } from './shop.ts'

type Vectors = {
  readonly variables: Readonly<Record<string, string>>
  readonly clientMatrix: { readonly rows: readonly Readonly<Record<string, string>>[] }
}

const { variables, clientMatrix } = JSON.parse(
  readFileSync(new URL('../../spec/vectors/l402-headers.json', import.meta.url), 'utf8'),
) as Vectors
const { M = '', MU = '', I = '', ALBY = '', SATRING = '' } = variables

const payment =
  'Payment id="x7Tg2pLq", realm="api.example.com", method="lightning", intent="charge", request="e30"'
const form = {
  classic: `L402 macaroon="${M}", invoice="${I}"`,
  ours: `L402 macaroon="${M}", invoice="${I}", version="0", token="${M}"`,
  lsat: `LSAT macaroon="${M}", invoice="${I}"`,
}

/** The lines behind each row of the matrix, by the row's first word. */
const lines: Readonly<Record<string, readonly string[]>> = {
  A: [form.classic],
  B: [`L402 version="0", token="${M}", invoice="${I}"`],
  C: [`L402 version="0", token="${M}", macaroon="${M}", invoice="${I}"`],
  D: [form.ours],
  E: [form.lsat, form.classic],
  E2: [form.classic, form.lsat],
  F: [`${form.classic}, ${payment}`],
  F2: [form.classic, payment],
  F3: [payment, form.classic],
  DF: [form.ours, payment],
  G: [`L402 version="0" token="${ALBY}", invoice="${I}"`],
  H: [`L402 macaroon=${M}, invoice=${I}`],
  I: [`L402 macaroon="${MU}", invoice="${I}"`],
  J: [`l402 macaroon="${M}", invoice="${I}"`],
  K: [`L402 invoice="${I}", macaroon="${M}"`],
  L: [`L402 macaroon="${M}",invoice="${I}"`],
  S: [`L402 macaroon="${SATRING}", invoice="${I}"`],
}

describe('the re-expressed clients stand for the real ones', () => {
  test('every row of the matrix has its lines here', () => {
    expect(clientMatrix.rows.map((row) => row['form']?.split(' ')[0])).toEqual(Object.keys(lines))
  })

  for (const client of classicClients) {
    test(`${client.name} sees what the real one was seen to see (${client.how})`, () => {
      const seen = clientMatrix.rows.map((row) => [
        row['form'],
        client.find(lines[row['form']!.split(' ')[0]!]!) !== undefined,
      ])
      expect(seen).toEqual(
        clientMatrix.rows.map((row) => [row['form'], row[client.column] === 'yes']),
      )
    })
  }
})

describe('R-CHAL-1 the challenge we emit', () => {
  for (const client of classicClients) {
    test(`is understood by ${client.name}, who pays what it finds and is served`, async () => {
      const market = openMarket()
      const origin = await openShop(market)

      const refusal = await getRaw(`${origin}/paid`)
      expect(refusal.status).toBe(402)
      const found = client.find(refusal.headerLines('www-authenticate'))
      if (found === undefined) throw new Error(`${client.name} sees no challenge`)
      market.expectPurchases(0)

      const { preimage: proof } = await market.wallet.payInvoice(found)
      const authorization = formatCredential({
        token: found.token,
        preimage: preimage(Buffer.from(proof, 'hex')),
      })
      const paid = await getRaw(`${origin}/paid`, [['Authorization', authorization]])
      expect([paid.status, paid.body]).toEqual([200, 'sunny'])
      market.expectPurchases(1)
    })
  }
})
