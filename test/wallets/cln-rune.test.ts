import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { powersOf } from '../../library/src/lightning/cln/powers.ts'
import type { Rune } from '../../library/src/lightning/cln/rune.ts'
import { allows, readRune } from '../../library/src/lightning/cln/rune.ts'
import { createRuneMaster } from '../../library/src/testing/look-alike/cln-rune.ts'

const nowSeconds = 1_800_000_000
const master = createRuneMaster(new Uint8Array(32).fill(7))

/** @throws when no node would take it. */
function rune(...restrictions: (readonly string[])[]): Rune {
  const read = readRune(master.mint(restrictions))
  if (read === undefined) throw new Error('the look-alike minted what cannot be read')
  return read
}

describe('R-CLN-15 a rune', () => {
  /** Of the published vectors of ccan/rune: a secret of 16 zero bytes. */
  const vectors = createRuneMaster(new Uint8Array(16))

  test('is read as the published vectors say, and minted as they say', () => {
    expect(readRune('N0cI__dxndWXnsh11WzSKG9tPPfsMXo7JWMqqyjsN7s=')).toEqual({ restrictions: [] })
    const one = 'YDVzGiy7Aiy-tnZFqg-KJmU9jMRU4OCH1NGdKCuNpL09MQ=='
    expect(vectors.mint([], '1')).toBe(one)
    expect(readRune(one)?.restrictions).toEqual([[{ field: '', operator: '=', value: '1' }]])
    const two = 'hcNkPcEC8KDW8g7rjClAkhUWiPrkHvfI7HJyqyORg3ZmMT0xfGYyPTM='
    expect(readRune(two)?.restrictions).toEqual([
      [
        { field: 'f1', operator: '=', value: '1' },
        { field: 'f2', operator: '=', value: '3' },
      ],
    ])
    const escaped = 'S253BW1Lragb1CpCSLXYGt9AdrE4iFMlXmnO0alV5vlmMT0xfGYyPTMmZjN-XCZcfFxc'
    expect(readRune(escaped)?.restrictions[1]).toEqual([
      { field: 'f3', operator: '~', value: '&|\\' },
    ])
  })

  test('is read as the manual of createrune prints it', () => {
    const readonly =
      '0VIVf0M4jMlGNIwNM3sTpBextINe4_VBGZnBMM82kR49MCZtZXRob2RebGlzdHxtZXRob2ReZ2V0fG1ldGhvZD1zdW1tYXJ5Jm1ldGhvZC9saXN0ZGF0YXN0b3Jl'
    const read = readRune(readonly)
    expect(read?.restrictions.length).toBe(3)
    const says = (method: string) => allows(read!, method, nowSeconds)
    expect(['listpays', 'getinfo', 'summary'].map(says)).toEqual([true, true, true])
    expect(['pay', 'xpay', 'invoice', 'listdatastore'].map(says)).toEqual(Array(4).fill(false))
  })

  test.each([
    ['nothing', ''],
    ['another alphabet', 'N0cI//dxndWXnsh11WzSKG9tPPfsMXo7JWMqqyjsN7s='],
    ['fewer than 32 bytes', 'N0cI__dxndWXnsh11WzSKG9tPPfsMXo7JWMqqyjs'],
    ['white space', 'N0cI__dxndWXnsh11WzSKG9tPPfsMXo7JWMq qyjsN7s='],
    ['a unique id after !', 'YDVzGiy7Aiy-tnZFqg-KJmU9jMRU4OCH1NGdKCuNpL0hMQ=='],
    ['a unique id after /', 'YDVzGiy7Aiy-tnZFqg-KJmU9jMRU4OCH1NGdKCuNpL0vMQ=='],
    ['a second unique id', 'emOilm045v7YklbUpumDpoE78ITU_Gwguc2u8ksj-n49MS0yJj0z'],
    ['the operator "', 'dr3WJd4OEgWJVubIoHysWNfcIlNgmmv7lZ-HzAlPPw9mMSIxMQ=='],
    ['the operator &', 'dr3WJd4OEgWJVubIoHysWNfcIlNgmmv7lZ-HzAlPPw9mMSYxMQ=='],
    ['the operator \\', 'dr3WJd4OEgWJVubIoHysWNfcIlNgmmv7lZ-HzAlPPw9mMVwxMQ=='],
    ['the operator _', 'dr3WJd4OEgWJVubIoHysWNfcIlNgmmv7lZ-HzAlPPw9mMV8xMQ=='],
    ['the operator |', 'dr3WJd4OEgWJVubIoHysWNfcIlNgmmv7lZ-HzAlPPw9mMXwxMQ=='],
    ['more than anybody needs', 'A'.repeat(8196)],
    ['bytes that are no text', `${'A'.repeat(43)}-_-_-Q==`],
  ])('is refused with %s', (_, text) => {
    expect(readRune(text)).toBeUndefined()
  })

  test('keeps nothing of what makes it a credential', () => {
    const text = master.mint([['method=invoice']])
    expect(JSON.stringify(readRune(text))).not.toContain(text.slice(0, 20))
  })
})

describe('R-CLN-16 what a rune allows', () => {
  test.each([
    ['no restriction', [], true],
    ['the method', [['method=pay']], true],
    ['another method', [['method=xpay']], false],
    ['one of several', [['method=xpay', 'method=pay']], true],
    ['not this one', [['method/pay']], false],
    ['not another one', [['method/xpay']], true],
    ['its beginning', [['method^pa']], true],
    ['another beginning', [['method^list']], false],
    ['its end', [['method$ay']], true],
    ['its middle', [['method~a']], true],
    ['what sorts before', [['method{q']], true],
    ['what sorts before it', [['method{pay']], false],
    ['what sorts after', [['method}p']], true],
    ['what sorts after it', [['method}pay']], false],
    ['what is less, of text', [['method<9']], false],
    ['what is missing and is not', [['method!']], false],
    ['a comment', [['for the shop#'], ['method=pay']], true],
    ['both of two', [['method^p'], ['method$y']], true],
    ['one of two', [['method^p'], ['method$x']], false],
    ['a limit on how often', [['method=pay'], ['rate=3']], true],
    ['a limit on the amount', [['method=pay'], ['pnameamount_msat<10000']], true],
    ['a limit on the invoice', [['pinvbolt11_amount<10000']], true],
    ['a limit or another method', [['method=xpay', 'pnum<3']], true],
    ['time that has not come', [[`time<${nowSeconds + 1}`]], true],
    ['time that is over', [[`time<${nowSeconds}`]], false],
    ['time that is too early', [[`time>${nowSeconds}`]], false],
    ['time that is no number', [['time<soon']], false],
    ['a node id', [['id=02ff']], undefined],
    ['a node id, and another method', [['id=02ff'], ['method=xpay']], false],
    ['a node id or the method', [['id=02ff', 'method=pay']], true],
    ['a field of another time', [['colour=red']], undefined],
    ['a field that must be missing', [['colour!']], true],
  ] as const)('%s', (_, restrictions, expected) => {
    expect(allows(rune(...restrictions), 'pay', nowSeconds)).toBe(expected)
  })

  test('is what a node that checks it allows', () => {
    const values = fc.constantFrom('pay', 'xpay', 'p', 'y', 'list', 'a|b', '&', '\\', '')
    const conditions = fc.oneof(
      fc.tuple(fc.constantFrom(...'=/^$~{}!#'), values).map(([op, value]) => `method${op}${value}`),
      fc
        .tuple(fc.constantFrom('<', '>', '='), fc.integer({ min: -2, max: 2 }))
        .map(([op, by]) => `time${op}${nowSeconds + by}`),
    )
    const restrictions = fc.array(fc.array(conditions, { minLength: 1, maxLength: 3 }), {
      maxLength: 3,
    })
    fc.assert(
      fc.property(restrictions, fc.constantFrom('pay', 'xpay', 'listpays'), (all, method) => {
        const text = master.mint(all)
        const refusal = master.check(text, { method, params: {}, nowSeconds })
        const read = readRune(text)
        expect(read).toBeDefined()
        expect(allows(read!, method, nowSeconds)).toBe(refusal === undefined)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('R-CLN-16 the powers of a rune', () => {
  test('of a gateway are to be paid, and nothing else', () => {
    const gateway = rune(['method=invoice', 'method=listinvoices', 'method=waitanyinvoice'])
    const powers = { receive: true, spend: false, beyond: [] }
    expect(powersOf(gateway, nowSeconds)).toEqual(powers)
  })

  test('of an agent are to pay, and nothing else', () => {
    const agent = rune(['method=xpay', 'method=pay', 'method=listpays'], ['rate=60'])
    const powers = { receive: false, spend: true, beyond: [] }
    expect(powersOf(agent, nowSeconds)).toEqual(powers)
  })

  test('without restrictions are all', () => {
    const powers = { receive: true, spend: true, beyond: ['everything'] }
    expect(powersOf(rune(), nowSeconds)).toEqual(powers)
    expect(powersOf(rune(['rate=5']), nowSeconds)).toEqual(powers)
  })

  test('of one that forbids paying by name let money go all the same', () => {
    const { spend, beyond } = powersOf(rune(['method/pay'], ['method/xpay']), nowSeconds)
    expect(spend).toBe(true)
    expect(beyond).toContain('withdraw on chain')
    expect(beyond).toContain('every command that it does not name')
  })

  test.each([
    ['withdraw', 'withdraw on chain'],
    ['fundchannel', 'open channels'],
    ['createrune', 'make and show runes'],
    ['keysend', undefined],
    ['plugin', 'run programs on its machine'],
  ])('that allow %s let money go', (method, name) => {
    const { spend, beyond } = powersOf(rune([`method=${method}`, 'method=invoice']), nowSeconds)
    expect({ spend, beyond }).toEqual({ spend: true, beyond: name === undefined ? [] : [name] })
  })

  test('that have expired are none', () => {
    const powers = { receive: false, spend: false, beyond: [] }
    expect(powersOf(rune([`time<${nowSeconds}`]), nowSeconds)).toEqual(powers)
  })

  test('that hang on a node id cannot be told', () => {
    const { receive, spend } = powersOf(rune(['id^02']), nowSeconds)
    expect({ receive, spend }).toEqual({ receive: undefined, spend: undefined })
  })

  test('that begin later let money go: whoever has it waits', () => {
    for (const later of ['method^list', 'method=invoice']) {
      const sleeper = rune([later, 'method=listinvoices', `time>${nowSeconds + 86_400}`])
      expect(powersOf(sleeper, nowSeconds)).toMatchObject({ spend: true })
    }
    const ends = rune(['method=invoice', 'method=listinvoices', `time<${nowSeconds + 60}`])
    expect(powersOf(ends, nowSeconds)).toMatchObject({ spend: true })
    const over = rune(['method=invoice', 'method=listinvoices', `time<${nowSeconds}`])
    expect(powersOf(over, nowSeconds)).toEqual({ receive: true, spend: false, beyond: [] })
  })

  test.each(['invoicerequest', 'splice_init', 'openchannel_signed', 'upgradewallet'])(
    'that allow %s let money go, too',
    (method) => {
      expect(powersOf(rune([`method=${method}`]), nowSeconds).spend).toBe(true)
    },
  )

  test('to make invoices and not to ask about them are not those of who is paid', () => {
    expect(powersOf(rune(['method=invoice']), nowSeconds).receive).toBe(false)
  })

  test('of a read-only rune show, and do nothing', () => {
    const readonly = rune(['method^list', 'method^get', 'method=summary'], ['method/listdatastore'])
    expect(powersOf(readonly, nowSeconds)).toEqual({
      receive: false,
      spend: false,
      beyond: ['use the key of the node', 'see its balances, channels and payments'],
    })
  })
})
