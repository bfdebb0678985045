import { describe, expect, test } from 'vitest'
import { decodeHex, encodeBase64, encodeUtf8 } from '../../library/src/bytes/index.ts'
import { readMacaroon } from '../../library/src/lightning/lnd/macaroon-bytes.ts'
import type { Permission } from '../../library/src/lightning/lnd/permissions.ts'
import { readPermissions } from '../../library/src/lightning/lnd/permissions.ts'
import { powersOf } from '../../library/src/lightning/lnd/powers.ts'
import type { Macaroon } from '../../library/src/macaroon/index.ts'
import { encodeMacaroon } from '../../library/src/macaroon/index.ts'
import { gatewayMacaroon, stockAdminMacaroon, stockInvoiceMacaroon } from '../wallets/lnd-rig.ts'
import { fuzzBytes } from './harness.ts'

const stock = [gatewayMacaroon, stockAdminMacaroon, stockInvoiceMacaroon]
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

/** Cheaper than `expect`, a million times. */
function demand(condition: boolean, sentence: string): void {
  if (!condition) throw new Error(sentence)
}

describe('the readers of macaroons of lnd under noise', () => {
  test('R-LND-18 says nothing of a macaroon that is not in it', () => {
    let read = 0
    const report = fuzzBytes({
      name: 'readPermissions',
      seeds: stock.map((hex) => readMacaroon(hex).identifier),
      words: ['1a00', '0a00', '1200', '1aff', '12ffffffff0f', '80808080', '0901', '0d01'].map(
        decodeHex,
      ),
      read: readPermissions,
      codes: [],
      holds: (input, result) => {
        const permissions = result as readonly Permission[] | undefined
        const { receive, spend, beyond } = powersOf(permissions)
        if (permissions === undefined) {
          demand(receive === undefined && spend === undefined, 'nobody can tell')
          return
        }
        read++
        const noise = text(input)
        for (const { entity, action } of permissions) {
          demand(noise.includes(text(encodeUtf8(entity))), 'the entity stands in it')
          demand(noise.includes(text(encodeUtf8(action))), 'the action stands in it')
          if (entity === 'offchain' && action === 'write') demand(spend === true, 'it spends')
        }
        for (const line of beyond) demand(/^[\x20-\x7e]{1,128}$/.test(line), 'it can be shown')
      },
    })
    expect(read).toBeGreaterThan(report.cases / 100)
    expect(read).toBeLessThan(report.cases)
  })

  test('R-LND-2 reads what is a macaroon in one of its spellings, and nothing else', () => {
    let accepted = 0
    fuzzBytes({
      name: 'readMacaroon',
      seeds: [
        decodeHex(stockInvoiceMacaroon),
        encodeUtf8(stockInvoiceMacaroon),
        encodeUtf8(`${encodeBase64(decodeHex(stockInvoiceMacaroon))}\n`),
      ],
      words: [
        encodeUtf8('0201036c6e64'),
        encodeUtf8('AgEDbG5k'),
        Uint8Array.of(2),
        encodeUtf8('='),
      ],
      read: (input) => {
        try {
          return readMacaroon(input)
        } catch (error) {
          if (!(error instanceof RangeError)) throw error
          demand(error.message.startsWith('macaroon: expected'), 'the option is named')
          return undefined
        }
      },
      codes: [],
      holds: (_, result) => {
        if (result === undefined) return
        accepted++
        demand(encodeMacaroon(result as Macaroon)[0] === 2, 'it is what lnd takes')
      },
    })
    expect(accepted).toBeGreaterThan(0)
  })
})
