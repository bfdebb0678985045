import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { msat } from '../amount/index.ts'
import { encodeHex, sha256 } from '../bytes/index.ts'
import type { Code, L402Error } from '../errors.ts'
import { hashPreimage, preimage } from '../invoice/index.ts'
import { attenuate, mint, verify } from '../macaroon/index.ts'
import type { Access, Grant, TermsOptions } from './index.ts'
import {
  authorize,
  canonicalTarget,
  enforcedConditions,
  purchaseCaveats,
  readTerms,
  requestCaveats,
} from './index.ts'

const rootKey = new Uint8Array(32).fill(7)
const secret = preimage(new Uint8Array(32).fill(1))
const paymentHash = hashPreimage(secret)
const now = 1_800_000_000
const scope = '00112233445566778899aabbccddeeff'
const body = 'ab'.repeat(32)

const options: TermsOptions = { service: 'weather', paymentHash, preimage: secret }
const purchase = purchaseCaveats({
  service: 'weather',
  tier: 1,
  capability: 'forecast',
  validUntilSeconds: now + 1000,
  amountMsat: msat(10_000n),
})
const access: Access = {
  tier: 0,
  capability: 'forecast',
  method: 'GET',
  target: canonicalTarget('/api/weather?city=x'),
  nowSeconds: now,
  priceMsat: msat(10_000n),
  scope: undefined,
  clientAddress: '192.0.2.7',
  origin: 'https://app.example',
  bodySha256: body,
}

type Change = { readonly access?: Partial<Access>; readonly options?: Partial<TermsOptions> }

/** Mints, verifies, reads and asks: the real path, from caveats to a grant. */
function ask(caveats: readonly string[], change: Change = {}): Grant {
  const token = mint({ rootKey, identifier: new Uint8Array(66), caveats })
  const terms = readTerms(verify(token, rootKey), { ...options, ...change.options })
  return authorize(terms, { ...access, ...change.access })
}

/** `'allowed'`, or the code of the refusal, with the reason where there is one. */
function answer(caveats: readonly string[], change: Change = {}): string {
  try {
    ask(caveats, change)
    return 'allowed'
  } catch (error) {
    const { code, details } = error as L402Error
    return [code, details?.['reason']].filter((part) => part !== undefined).join(': ')
  }
}

function withAdded(...added: readonly string[]): readonly string[] {
  return [...purchase, ...added]
}

test('R-CAV-10 a token opens what it was bought for', () => {
  expect(ask(purchase)).toEqual({
    service: 'weather',
    tier: 1,
    capability: 'forecast',
    amountMsat: 10_000n,
    validUntilSeconds: now + 1000,
    limits: [],
    delegationIds: [],
    skipped: [],
  })
})

describe('R-CAV-10 what was bought refuses, and buying again helps', () => {
  for (const [name, change, expected] of [
    ['the last second', { nowSeconds: now + 999 }, 'allowed'],
    ['the first second after', { nowSeconds: now + 1000 }, 'ACCESS_EXPIRED: expired'],
    ['a clock that is not a number', { nowSeconds: Number.NaN }, 'ACCESS_EXPIRED: expired'],
    ['another capability', { capability: 'history' }, 'ACCESS_OTHER_RESOURCE: capability'],
    ['a price that rose', { priceMsat: msat(10_001n) }, 'ACCESS_UNDERPAID: amount'],
    ['a price that fell', { priceMsat: msat(0n) }, 'allowed'],
    ['its own tier', { tier: 1 }, 'allowed'],
    ['a higher tier', { tier: 2 }, 'ACCESS_OTHER_RESOURCE: tier'],
    ['a tier that is not a number', { tier: Number.NaN }, 'ACCESS_OTHER_RESOURCE: tier'],
    ['a scope', { scope }, 'ACCESS_OTHER_RESOURCE: scope'],
  ] as const)
    test(`${name}: ${expected}`, () => expect(answer(purchase, { access: change })).toBe(expected))

  test('another service: ACCESS_OTHER_RESOURCE', () => {
    const change = { options: { service: 'maps' } }
    expect(answer(purchase, change)).toBe('ACCESS_OTHER_RESOURCE: service')
  })

  test('also where a holder’s caveat refuses the same request', () => {
    const caveats = withAdded('method=POST', `weather_valid_until=${now}`)
    expect(answer(caveats)).toBe('CAVEAT_NOT_MET: method')
    expect(answer(caveats, { access: { priceMsat: msat(20_000n) } })).toBe(
      'ACCESS_UNDERPAID: amount',
    )
    expect(answer(caveats, { access: { nowSeconds: now + 1000 } })).toBe('ACCESS_EXPIRED: expired')
  })
})

describe('R-CAV-10 what a holder added refuses, and buying again does not help', () => {
  for (const [added, reason] of [
    ['services=weather:1', undefined],
    [`weather_valid_until=${now + 1}`, undefined],
    [`weather_valid_until=${now}`, 'expired'],
    ['weather_amount_msat=10000', undefined],
    ['weather_amount_msat=9999', 'amount'],
    [`weather_scope=${scope}`, 'scope'],
    [`valid_until=${now}`, 'expired'],
    ['method=POST', 'method'],
    ['path=/other', 'path'],
  ] as const)
    test(`${added}: ${reason ?? 'allowed'}`, () => {
      const expected = reason === undefined ? 'allowed' : `CAVEAT_NOT_MET: ${reason}`
      expect(answer(withAdded(added))).toBe(expected)
    })

  test('the refusal names the condition and the reason, and nothing else', () => {
    expect(() => ask(withAdded('method=POST'))).toThrow(
      expect.objectContaining({
        code: 'CAVEAT_NOT_MET',
        details: { condition: 'method', reason: 'method' },
      }),
    )
  })
})

describe('R-CAV-4 a purchase is complete, and ends with its amount', () => {
  for (let missing = 0; missing < purchase.length; missing++)
    test(`without ${purchase[missing]} the token opens nothing`, () => {
      const rest = purchase.filter((_, i) => i !== missing)
      expect(answer(rest)).toMatch('ACCESS_OTHER_RESOURCE')
    })

  test('nothing that is added afterwards completes it', () => {
    const [services, capabilities, validUntil, amount] = purchase as [
      string,
      string,
      string,
      string,
    ]
    for (const caveats of [
      [capabilities, validUntil, amount, services],
      [services, validUntil, amount, capabilities],
      [services, capabilities, amount, validUntil],
      [amount, services, capabilities, validUntil],
    ])
      expect(answer(caveats)).toMatch('ACCESS_OTHER_RESOURCE')
  })

  test('an empty token opens nothing', () => {
    expect(answer([])).toMatch('ACCESS_OTHER_RESOURCE')
    expect(answer([], { options: { unknownCaveats: 'skip' } })).toMatch('ACCESS_OTHER_RESOURCE')
  })

  test('uses that stand behind the amount were set by a holder', () => {
    const uses = 'weather_uses=5'
    const sold = [...purchase.slice(0, -1), uses, purchase.at(-1)!]
    expect(ask(sold).limits.map(({ setBy }) => setBy)).toEqual(['purchase'])
    expect(ask(withAdded(uses)).limits.map(({ setBy }) => setBy)).toEqual(['attenuation'])
  })
})

describe('R-CAV-5 the vocabulary', () => {
  const digest = requestCaveats({
    method: 'GET',
    target: '/api/weather?city=x',
    nowSeconds: now,
  })[1]!
  const sample: Readonly<Record<string, readonly [allowed: string, refused: string | undefined]>> =
    {
      services: ['services=weather:1', undefined],
      weather_capabilities: ['weather_capabilities=forecast', undefined],
      weather_valid_until: [`weather_valid_until=${now + 1}`, `weather_valid_until=${now}`],
      weather_uses: ['weather_uses=3', undefined],
      weather_scope: [`weather_scope=${scope}`, undefined],
      weather_amount_msat: ['weather_amount_msat=10000', 'weather_amount_msat=1'],
      valid_until: [`valid_until=${now + 1}`, `valid_until=${now}`],
      exp: [`exp=${now + 1}`, `exp = ${now}`],
      expires_at: ['expires_at = 2099-03-01T00:00:00Z', `expires_at=${now}`],
      expiry: ['expiry = 2099-03-01T00:00:00Z', 'expiry = 2026-03-01T00:00:00Z'],
      expiration: [`expiration=${now + 1}000`, `expiration=${now}999`],
      endpoint: ['endpoint = /api/weather', 'endpoint = /api/forecast'],
      path: ['path=/api/*', 'path=/api'],
      method: ['method=GET', 'method=POST,PUT'],
      request_count: ['request_count <= 10', undefined],
      max_requests: ['max_requests=10', undefined],
      max_amount_sats: ['max_amount_sats = 500', undefined],
      spend_limit_sat: ['spend_limit_sat=500', undefined],
      ip: ['ip=192.0.2.0/24', 'ip=192.0.2.8'],
      client_ip: ['client_ip = ::ffff:192.0.2.7', 'client_ip = 198.51.100.0/24,2001:db8::/32'],
      origin: ['origin=https://app.example', 'origin=https://evil.example'],
      body_sha256: [`body_sha256=${body.toUpperCase()}`, `body_sha256=${'00'.repeat(32)}`],
      req: [digest, `req=${'00'.repeat(32)}`],
      did: ['did=team-a_1', undefined],
      preimage: [`preimage=${'01'.repeat(32)}`, `preimage=${'02'.repeat(32)}`],
    }

  test('is published, and every condition of it is tried here', () => {
    expect(enforcedConditions('weather')).toEqual(Object.keys(sample))
  })

  for (const [condition, [allowed, refused]] of Object.entries(sample)) {
    // A scope restricts only what was bought with one: R-CAV-23.
    const expected = condition === 'weather_scope' ? 'CAVEAT_NOT_MET: scope' : 'allowed'
    test(`${allowed}: ${expected}`, () => expect(answer(withAdded(allowed))).toBe(expected))
    if (refused === undefined) continue
    test(`${refused}: CAVEAT_NOT_MET`, () => {
      expect(answer(withAdded(refused))).toMatch(/^CAVEAT_NOT_MET: /)
    })
  }
})

describe('R-CAV-6 what nobody knows refuses', () => {
  for (const caveat of [
    'spend_limit=5',
    'time<1337',
    'Expiry = 2026-03-01T00:00:00Z',
    'EXP=1',
    'Services=weather:0',
    'weather_max_mb=3',
    'weather_constraint=x',
    'history_valid_until=1',
    'maps_capabilities=x',
    'constructor=x',
    'toString=x',
  ]) {
    test(`${caveat}: CAVEAT_UNKNOWN`, () => {
      expect(answer(withAdded(caveat))).toBe('CAVEAT_UNKNOWN')
    })

    test(`${caveat} under skip: passed over, and reported`, () => {
      const { skipped } = ask(withAdded(caveat), { options: { unknownCaveats: 'skip' } })
      expect(skipped).toEqual([/^[\w]+/.exec(caveat)![0]])
    })
  }

  test('under skip, what is not a caveat at all still refuses', () => {
    const change = { options: { unknownCaveats: 'skip' } } as const
    expect(answer(withAdded('no operator'), change)).toBe('CAVEAT_MALFORMED: grammar')
    expect(answer(withAdded(' exp = 1'), change)).toBe('CAVEAT_MALFORMED: grammar')
  })
})

describe('R-CAV-7 another service of the token keeps its own conditions', () => {
  const [, ...rest] = purchase
  const both = ['services=weather:1,maps:0', ...rest]

  test('they are passed over, and reported', () => {
    const caveats = [...both, 'maps_capabilities=', 'maps_valid_until=never', 'maps_x = 1']
    expect(ask(caveats).skipped).toEqual(['maps_capabilities', 'maps_valid_until', 'maps_x'])
  })

  test('a service that the purchase does not list has none', () => {
    expect(answer([...both, 'tiles_x=1'])).toBe('CAVEAT_UNKNOWN')
    expect(answer([...both, 'services=weather:1', 'maps_x=1'])).toBe('allowed')
    expect(answer(withAdded('services=weather:1,maps:0', 'maps_x=1'))).toBe('CAVEAT_WIDENS')
  })

  test('a condition of the vocabulary is enforced, whatever its prefix', () => {
    const named = ['services=weather:1,valid:0,max:0,client:0', ...rest]
    expect(answer([...named, `valid_until=${now}`])).toBe('CAVEAT_NOT_MET: expired')
    expect(answer([...named, 'client_ip=::1'])).toBe('CAVEAT_NOT_MET: client address')
    expect(answer([...named, 'max_requests=x'])).toBe('CAVEAT_MALFORMED: value')
  })

  test('each service reads its own purchase from one token', () => {
    const caveats = [
      ...both,
      'maps_capabilities=tiles',
      `maps_valid_until=${now + 5}`,
      'maps_amount_msat=7',
    ]
    const change = {
      options: { service: 'maps' },
      access: { capability: 'tiles', priceMsat: msat(7n) },
    }
    expect(ask(caveats, change)).toMatchObject({ tier: 0, amountMsat: 7n })
    expect(ask(caveats)).toMatchObject({ tier: 1, amountMsat: 10_000n })
  })
})

describe('R-CAV-8 a malformed value refuses, under skip as well', () => {
  for (const [caveat, reason] of [
    ['services=', 'value'],
    ['services=weather', 'value'],
    ['services=weather:', 'value'],
    ['services=:0', 'value'],
    ['services=weather:00', 'value'],
    ['services=weather:256', 'value'],
    ['services=weather:0:1', 'value'],
    ['services=weather:1,weather:1', 'value'],
    ['services=weather:1,weather:2', 'value'],
    ['services=weather:1, maps:0', 'value'],
    ['services=weather:1,', 'value'],
    ['services<=weather:1', 'operator'],
    ['services = weather:1', 'spaces'],
    ['weather_capabilities=', 'value'],
    ['weather_capabilities=forecast,forecast', 'value'],
    ['weather_capabilities=forecast, history', 'value'],
    ['weather_capabilities=FORECAST', 'value'],
    ['weather_capabilities = forecast', 'spaces'],
    [`weather_valid_until = ${now}`, 'spaces'],
    ['weather_valid_until=2099-03-01T00:00:00Z', 'value'],
    ['weather_valid_until=0x7fffffff', 'value'],
    ['weather_valid_until>5', 'operator'],
    ['weather_uses=0x1', 'value'],
    ['weather_uses=-1', 'value'],
    ['weather_uses = 1', 'spaces'],
    ['weather_uses<=1', 'operator'],
    ['weather_amount_msat=1e3', 'value'],
    ['weather_amount_msat=99999999999999999999', 'value'],
    [`weather_scope=${'A'.repeat(32)}`, 'value'],
    ['valid_until=never', 'value'],
    ['exp=1e9', 'value'],
    ['expiry = tomorrow', 'value'],
    ['expires_at=2026-03-01', 'value'],
    ['expiration=-', 'value'],
    ['expiration=0xfffffffffffff', 'value'],
    ['endpoint = api/weather', 'value'],
    ['path=/api/weather/../x', 'value'],
    ['path=/a/*/b', 'value'],
    ['method=get', 'value'],
    ['method=GET, POST', 'value'],
    ['method=', 'value'],
    ['method=*', 'value'],
    ['request_count < 10', 'operator'],
    ['request_count = 10', 'operator'],
    ['request_count <= ten', 'value'],
    ['request_count <= 01', 'value'],
    ['max_requests <= 10', 'operator'],
    ['max_requests=1.5', 'value'],
    ['max_amount_sats = 2100000000000001', 'value'],
    ['spend_limit_sat=-5', 'value'],
    ['ip=192.0.2.1/24', 'value'],
    ['ip=example.com', 'value'],
    ['client_ip=', 'value'],
    ['origin=https://app.example/', 'value'],
    ['origin=null', 'value'],
    ['body_sha256=ab', 'value'],
    ['req=xyz', 'value'],
    ['did=a b', 'value'],
    ['did=', 'value'],
    [`did=${'a'.repeat(65)}`, 'value'],
    ['preimage=01', 'value'],
    ['forecast_valid_until=never', 'value'],
  ] as const)
    test(`${caveat}: ${reason}`, () => {
      for (const unknownCaveats of ['refuse', 'skip'] as const) {
        const caveats = withAdded(caveat)
        const expected = `CAVEAT_MALFORMED: ${reason}`
        expect(answer(caveats, { options: { unknownCaveats } })).toBe(expected)
      }
    })

  test('in the purchase as well', () => {
    for (const [i, wrong] of [
      [0, 'services=weather:x'],
      [1, 'weather_capabilities = forecast'],
      [2, 'weather_valid_until=1e10'],
      [3, 'weather_amount_msat=ten'],
    ] as const)
      expect(answer(purchase.with(i, wrong))).toMatch('CAVEAT_MALFORMED')
  })
})

describe('R-CAV-9 a caveat that allows more than the one before it refuses', () => {
  for (const [earlier, later] of [
    ['services=weather:1', 'services=weather:1,maps:0'],
    ['services=weather:1', 'services=maps:0'],
    ['services=weather:2', 'services=weather:1'],
    ['weather_capabilities=forecast', 'weather_capabilities=forecast,history'],
    [`weather_valid_until=${now + 5}`, `weather_valid_until=${now + 6}`],
    ['weather_amount_msat=10000', 'weather_amount_msat=10001'],
    ['weather_uses=5', 'weather_uses=6'],
    [`exp=${now + 5}`, `exp=${now + 6}`],
    ['expiry = 2099-01-01T00:00:00Z', 'expiry = 2099-01-01T00:00:01Z'],
    ['path=/api/*', 'path=/*'],
    ['path=/api/weather', 'path=/api/*'],
    ['endpoint = /api/weather', 'endpoint = /api/other'],
    ['method=GET', 'method=GET,POST'],
    ['method=HEAD', 'method=GET'],
    ['request_count <= 10', 'request_count <= 11'],
    ['max_amount_sats = 500', 'max_amount_sats = 501'],
    ['ip=192.0.2.0/24', 'ip=192.0.0.0/16'],
    ['ip=192.0.2.7', 'ip=192.0.2.7,192.0.2.8'],
    ['origin=https://app.example', 'origin=https://other.example'],
    [`body_sha256=${body}`, `body_sha256=${'00'.repeat(32)}`],
    [`req=${'00'.repeat(32)}`, `req=${'11'.repeat(32)}`],
    [`forecast_valid_until=${now + 5}`, `forecast_valid_until=${now + 6}`],
  ] as const)
    test(`${earlier}, then ${later}`, () => {
      expect(answer(withAdded(earlier, later))).toBe('CAVEAT_WIDENS')
    })

  test('neighbours are compared: a caveat in between does not hide a widening', () => {
    const caveats = withAdded(`exp=${now + 9}`, `exp=${now + 5}`, `exp=${now + 7}`)
    expect(answer(caveats)).toBe('CAVEAT_WIDENS')
  })

  test('a caveat that only repeats or narrows is read', () => {
    const caveats = withAdded(
      'path=/*',
      'path=/api/*',
      'path=/api/weather',
      'path=/api/weather',
      'method=GET,POST',
      'method=GET',
      'ip=0.0.0.0/0,::/0',
      'ip=192.0.2.0/24',
    )
    expect(answer(caveats)).toBe('allowed')
  })
})

describe('R-CAV-12 tiers', () => {
  test('a later caveat may raise the tier and gains nothing', () => {
    const caveats = withAdded('services=weather:9')
    expect(ask(caveats).tier).toBe(1)
    expect(answer(caveats, { access: { tier: 2 } })).toBe('ACCESS_OTHER_RESOURCE: tier')
  })

  test('a later caveat that takes the service away is the holder’s', () => {
    const [, ...rest] = purchase
    const caveats = ['services=weather:1,maps:0', ...rest, 'services=maps:0']
    expect(answer(caveats)).toBe('CAVEAT_NOT_MET: service')
  })
})

describe('R-CAV-13 capabilities', () => {
  const two = purchase.with(1, 'weather_capabilities=forecast,history')

  test('one can be taken away', () => {
    const caveats = [...two, 'weather_capabilities=history']
    expect(answer(caveats)).toBe('CAVEAT_NOT_MET: capability')
    expect(answer(caveats, { access: { capability: 'history' } })).toBe('allowed')
  })

  test('one can end earlier than the others', () => {
    const caveats = [...two, `history_valid_until=${now}`, `forecast_valid_until = ${now + 9}`]
    const history = { access: { capability: 'history' } }
    expect(answer(caveats, history)).toBe('CAVEAT_NOT_MET: expired')
    expect(ask(caveats).validUntilSeconds).toBe(now + 9)
    const before = { access: { ...history.access, nowSeconds: now - 1 } }
    expect(ask(caveats, before).validUntilSeconds).toBe(now)
    expect(answer(caveats, { access: { nowSeconds: now + 9 } })).toBe('CAVEAT_NOT_MET: expired')
  })

  test('only those of the purchase are known', () => {
    const caveats = [...two, 'weather_capabilities=forecast', 'history_valid_until=5']
    expect(answer(caveats)).toBe('allowed')
    expect(answer(withAdded('history_valid_until=5'))).toBe('CAVEAT_UNKNOWN')
  })

  test('whose name is a service’s are enforced', () => {
    const named = [
      'services=weather:1,maps:0',
      'weather_capabilities=maps',
      ...purchase.slice(2),
      `maps_valid_until=${now}`,
    ]
    expect(answer(named, { access: { capability: 'maps' } })).toBe('CAVEAT_NOT_MET: expired')
  })
})

describe('R-CAV-14 times', () => {
  for (const condition of ['valid_until', 'exp', 'expires_at', 'expiry', 'weather_valid_until'])
    test(`${condition} is the first second that is refused`, () => {
      const caveats = withAdded(`${condition}=${now + 5}`)
      expect(ask(caveats, { access: { nowSeconds: now + 4 } }).validUntilSeconds).toBe(now + 5)
      const after = { access: { nowSeconds: now + 5 } }
      expect(answer(caveats, after)).toBe('CAVEAT_NOT_MET: expired')
    })

  test('the earliest of all spellings counts', () => {
    const caveats = withAdded(
      `exp=${now + 50}`,
      `expiration=${now + 40}999`,
      'expiry = 2099-01-01T00:00:00Z',
    )
    expect(ask(caveats).validUntilSeconds).toBe(now + 40)
  })
})

describe('R-CAV-15 limits', () => {
  const sold = [...purchase.slice(0, -1), 'weather_uses=100', purchase.at(-1)!]
  const added = [
    'weather_uses=50',
    'request_count <= 10',
    'max_requests=10',
    'max_amount_sats = 500',
    'spend_limit_sat=400',
    'request_count <= 5',
  ]

  test('of the purchase are counted under the payment hash, all others under their branch', () => {
    const token = mint({ rootKey, identifier: new Uint8Array(66), caveats: [...sold, ...added] })
    const verified = verify(token, rootKey)
    const { limits } = authorize(readTerms(verified, options), access)
    const branchKey = (i: number) =>
      encodeHex(sha256(verified[sold.length + i]!.branch)).slice(0, 32)
    const setBy = 'attenuation'
    const lineage = branchKey(0)
    expect(limits).toEqual([
      {
        key: encodeHex(paymentHash),
        unit: 'use',
        max: 100n,
        lineage: encodeHex(paymentHash),
        setBy: 'purchase',
      },
      { key: branchKey(0), unit: 'use', max: 50n, lineage, setBy },
      { key: branchKey(1), unit: 'use', max: 10n, lineage, setBy },
      { key: branchKey(2), unit: 'use', max: 10n, lineage, setBy },
      { key: branchKey(3), unit: 'msat', max: 500_000n, lineage, setBy },
      { key: branchKey(4), unit: 'msat', max: 400_000n, lineage, setBy },
      { key: branchKey(5), unit: 'use', max: 5n, lineage, setBy },
    ])
    const branches = verified.map(({ branch }) => encodeHex(branch))
    for (const { key } of limits)
      expect(branches.some((branch) => branch.includes(key))).toBe(false)
  })

  test('of all that came through one copy have one lineage, and each copy its own', () => {
    const root = mint({ rootKey, identifier: new Uint8Array(66), caveats: purchase })
    const lineageOf = (...path: readonly string[]): string | undefined => {
      const token = path.reduce((parent, caveat) => attenuate(parent, caveat), root)
      const { limits } = authorize(readTerms(verify(token, rootKey), options), access)
      return limits.at(-1)?.lineage
    }
    const delegate = lineageOf('did=child', 'request_count <= 3')
    expect(lineageOf('did=child', `exp=${now + 60}`, 'request_count <= 3')).toBe(delegate)
    expect(lineageOf('did=child', 'did=x', 'request_count <= 2', 'max_requests=1')).toBe(delegate)
    expect(lineageOf('did=other', 'request_count <= 3')).not.toBe(delegate)
    expect(lineageOf('request_count <= 3')).not.toBe(delegate)
    expect(lineageOf('request_count <= 3')).not.toBe(lineageOf('request_count <= 2'))
  })

  test('of one copy are shared below it, and not beside it', () => {
    const root = mint({ rootKey, identifier: new Uint8Array(66), caveats: purchase })
    const keysOf = (...path: readonly string[]) => {
      const token = path.reduce((parent, caveat) => attenuate(parent, caveat), root)
      const { limits } = authorize(readTerms(verify(token, rootKey), options), access)
      return limits.map(({ key }) => key)
    }
    const [parent] = keysOf('request_count <= 10')
    const [viaChild, child] = keysOf('request_count <= 10', 'did=child', 'request_count <= 3')
    const [viaOther, other] = keysOf('request_count <= 10', 'did=other', 'request_count <= 3')
    expect(viaChild).toBe(parent)
    expect(viaOther).toBe(parent)
    expect(child).not.toBe(other)
    const [sibling] = keysOf('did=sibling', 'request_count <= 10')
    expect(sibling).not.toBe(parent)
  })

  test('of nothing are read: whoever counts refuses', () => {
    expect(ask(withAdded('request_count <= 0')).limits).toMatchObject([{ max: 0n }])
  })
})

describe('R-CAV-16 a credential that is tied to a request', () => {
  const tied = (method: string, target: string) =>
    withAdded(...requestCaveats({ method, target, nowSeconds: now }))

  for (const [caveats, change, expected] of [
    [tied('GET', '/api/weather?city=x'), {}, 'allowed'],
    [tied('GET', '/%61pi/weather?city=x'), {}, 'allowed'],
    [tied('HEAD', '/api/weather?city=x'), {}, 'allowed'],
    [tied('GET', '/api/weather?city=x'), { method: 'HEAD' }, 'allowed'],
    [tied('GET', '/api/weather?city=x'), { method: 'POST' }, 'CAVEAT_NOT_MET: request'],
    [tied('GET', '/api/weather?city=y'), {}, 'CAVEAT_NOT_MET: request'],
    [tied('GET', '/api/weather'), {}, 'CAVEAT_NOT_MET: request'],
    [tied('GET', '/api/weather?city=x'), { nowSeconds: now + 59 }, 'allowed'],
    [tied('GET', '/api/weather?city=x'), { nowSeconds: now + 60 }, 'CAVEAT_NOT_MET: expired'],
  ] as const)
    test(`${caveats.at(-1)!.slice(0, 12)} ${JSON.stringify(change)}: ${expected}`, () => {
      expect(answer(caveats, { access: change })).toBe(expected)
    })
})

describe('R-CAV-18 methods', () => {
  for (const [caveat, method, expected] of [
    ['method=GET', 'HEAD', 'allowed'],
    ['method=HEAD', 'HEAD', 'allowed'],
    ['method=HEAD', 'GET', 'CAVEAT_NOT_MET: method'],
    ['method=GET,POST', 'POST', 'allowed'],
    ['method=GET,POST', 'PUT', 'CAVEAT_NOT_MET: method'],
  ] as const)
    test(`${caveat} and ${method}: ${expected}`, () => {
      expect(answer(withAdded(caveat), { access: { method } })).toBe(expected)
    })

  test('HEAD is within GET', () => {
    expect(answer(withAdded('method=GET', 'method=HEAD'), { access: { method: 'HEAD' } })).toBe(
      'allowed',
    )
  })
})

describe('R-CAV-19 R-CAV-20 what the server does not know refuses', () => {
  for (const [caveat, change, expected] of [
    ['ip=192.0.2.7', { clientAddress: '::ffff:192.0.2.7' }, 'allowed'],
    ['ip=0.0.0.0/0,::/0', { clientAddress: undefined }, 'CAVEAT_NOT_MET: client address not known'],
    ['ip=::/0', { clientAddress: 'fe80::1%eth0' }, 'CAVEAT_NOT_MET: client address not known'],
    ['ip=::/0', { clientAddress: '192.0.2.7' }, 'CAVEAT_NOT_MET: client address'],
    ['origin=https://app.example', { origin: undefined }, 'CAVEAT_NOT_MET: origin'],
    ['origin=https://app.example', { origin: 'https://app.example:444' }, 'CAVEAT_NOT_MET: origin'],
    [`body_sha256=${body}`, { bodySha256: undefined }, 'CAVEAT_NOT_MET: body'],
    [`body_sha256=${body}`, { bodySha256: body.toUpperCase() }, 'allowed'],
  ] as const)
    test(`${caveat.slice(0, 40)} ${JSON.stringify(change)}: ${expected}`, () => {
      expect(answer(withAdded(caveat), { access: change })).toBe(expected)
    })
})

test('R-CAV-21 delegations nest, outermost first', () => {
  expect(ask(withAdded('did=team', 'did = agent-7', 'did=team')).delegationIds).toEqual([
    'team',
    'agent-7',
    'team',
  ])
})

describe('R-CAV-22 an appended preimage must be the one that was presented', () => {
  test('in either case, and as often as it likes', () => {
    const right = `preimage=${'01'.repeat(32)}`
    expect(answer(withAdded(right, right))).toBe('allowed')
    expect(answer(withAdded(right, `preimage=${'02'.repeat(32)}`))).toBe('CAVEAT_WIDENS')
    expect(answer(withAdded(`preimage=${'02'.repeat(32)}`))).toBe('CAVEAT_NOT_MET: preimage')
  })

  test('a refusal does not repeat it', () => {
    const wrong = 'f00d'.repeat(16)
    for (const caveat of [`preimage=${wrong}`, `preimage=${wrong}0`, `preimage =${wrong}`]) {
      let text = ''
      try {
        ask(withAdded(caveat))
      } catch (error) {
        text = `${error} ${JSON.stringify((error as L402Error).details)}`
      }
      expect(text).toMatch('caveat')
      expect(text).not.toMatch('f00d')
    }
  })
})

describe('R-CAV-23 a scope is bought', () => {
  const scoped = [...purchase.slice(0, -1), `weather_scope=${scope}`, purchase.at(-1)!]
  const other = 'f'.repeat(32)
  for (const [name, caveats, asked, expected] of [
    ['its own', scoped, scope, 'allowed'],
    ['another', scoped, other, 'ACCESS_OTHER_RESOURCE: scope'],
    ['none', scoped, undefined, 'ACCESS_OTHER_RESOURCE: scope'],
    ['one that was not bought', purchase, scope, 'ACCESS_OTHER_RESOURCE: scope'],
    [
      'one that was only added',
      withAdded(`weather_scope=${scope}`),
      scope,
      'ACCESS_OTHER_RESOURCE: scope',
    ],
    ['its own, repeated', [...scoped, `weather_scope=${scope}`], scope, 'allowed'],
    ['another, added', [...scoped, `weather_scope=${other}`], other, 'CAVEAT_WIDENS'],
  ] as const)
    test(`${name}: ${expected}`, () => {
      expect(answer(caveats, { access: { scope: asked } })).toBe(expected)
    })
})

describe('R-CAV-11 adding a caveat never grants anything', () => {
  const csv = (item: fc.Arbitrary<string>) =>
    fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => items.join(','))
  const oneOf = (...values: readonly string[]) => fc.constantFrom(...values)
  const seconds = fc.integer({ min: now - 2, max: now + 4 })
  const number = fc.integer({ min: 0, max: 12 }).map(String)
  const service = oneOf('weather', 'weather', 'maps', 'forecast', 'valid', 'max')
  const capability = oneOf('forecast', 'forecast', 'history', 'weather', 'maps')
  const path = oneOf('/*', '/api/*', '/api/weather', '/api/weather/*', '/', '/api', '/%61')
  const method = oneOf('GET', 'GET', 'HEAD', 'POST', 'get')
  const address = oneOf('192.0.2.7', '192.0.2.0/24', '0.0.0.0/0', '::/0', '::1', '1.2.3.4/5')
  const unix = seconds.map(String)
  const rfc3339 = seconds.map((second) => new Date(second * 1000).toISOString())
  const digest = requestCaveats({
    method: 'GET',
    target: '/api/weather?city=x',
    nowSeconds: now,
  })[1]!

  /** For each condition, values that it understands: some narrow, some widen, some refuse. */
  const understood: Readonly<Record<string, fc.Arbitrary<string>>> = {
    services: csv(
      fc.tuple(service, fc.integer({ min: 0, max: 3 })).map(([name, tier]) => `${name}:${tier}`),
    ),
    weather_capabilities: csv(capability),
    weather_valid_until: unix,
    weather_uses: number,
    weather_scope: oneOf(scope, 'f'.repeat(32)),
    weather_amount_msat: oneOf('0', '9999', '10000', '10001'),
    valid_until: unix,
    exp: unix,
    expires_at: fc.oneof(unix, rfc3339),
    expiry: fc.oneof(unix, rfc3339),
    expiration: seconds.map((second) => `${second}500`),
    endpoint: path,
    path,
    method: csv(method),
    request_count: number,
    max_requests: number,
    max_amount_sats: number,
    spend_limit_sat: number,
    ip: csv(address),
    client_ip: csv(address),
    origin: oneOf('https://app.example', 'https://evil.example'),
    body_sha256: oneOf(body, scope + scope),
    req: oneOf(digest.slice(4), body),
    did: oneOf('team', 'agent'),
    preimage: oneOf('01'.repeat(32), body),
    forecast_valid_until: unix,
    history_valid_until: unix,
    maps_valid_until: unix,
    maps_x: number,
    unknown: number,
  }
  const fitting = fc
    .constantFrom(...Object.entries(understood))
    .chain(([condition, value]) =>
      value.map((text) => `${condition}${condition === 'request_count' ? '<=' : '='}${text}`),
    )
  const odd = fc
    .tuple(
      oneOf(...Object.keys(understood), 'Exp', 'weather_x', ''),
      oneOf('=', ' = ', '<=', ' <= ', '<', ' < ', '>', ' =', '= ', ':', ''),
      fc.oneof(
        fc.oneof(...Object.values(understood)),
        oneOf('0xfffffffffffff', '-', 'never', '', '1e99', '99999999999', 'null', '/a/*/b', '*'),
      ),
    )
    .map((parts) => parts.join(''))
  const caveat = fc.oneof(
    { weight: 6, arbitrary: fitting },
    { weight: 2, arbitrary: odd },
    { weight: 1, arbitrary: fc.string({ maxLength: 20 }) },
  )

  /** A purchase in any order, with oddities in it, or a plain one; then what holders added. */
  const token = fc
    .record({
      services: oneOf('weather:1,maps:0', 'weather:0', 'weather:2,valid:0,max:0', 'maps:0'),
      capabilities: csv(capability),
      until: seconds,
      uses: fc.option(number, { nil: undefined, freq: 2 }),
      scope: fc.option(oneOf(scope), { nil: undefined, freq: 2 }),
      amount: oneOf('10000', '10000', '9999', '0'),
      beside: fc.array(fitting, { maxLength: 1 }),
      added: fc.array(fitting, { maxLength: 2 }),
    })
    .map((parts) => [
      `services=${parts.services}`,
      `weather_capabilities=${parts.capabilities}`,
      `weather_valid_until=${parts.until}`,
      ...(parts.uses === undefined ? [] : [`weather_uses=${parts.uses}`]),
      ...(parts.scope === undefined ? [] : [`weather_scope=${parts.scope}`]),
      ...parts.beside,
      `weather_amount_msat=${parts.amount}`,
      ...parts.added,
    ])
  const plainToken = fc.array(fitting, { maxLength: 2 }).map((added) => withAdded(...added))
  const accesses: fc.Arbitrary<Access> = fc.record({
    tier: fc.integer({ min: 0, max: 2 }),
    capability: oneOf('forecast', 'history', 'weather'),
    method: oneOf('GET', 'HEAD', 'POST'),
    target: oneOf('/api/weather?city=x', '/api', '/', '/x').map(canonicalTarget),
    nowSeconds: seconds,
    priceMsat: fc.constantFrom(0n, 9_999n, 10_000n).map(msat),
    scope: fc.constantFrom(undefined, undefined, scope),
    clientAddress: fc.constantFrom(undefined, '192.0.2.7', '::1'),
    origin: fc.constantFrom(undefined, 'https://app.example'),
    bodySha256: fc.constantFrom(undefined, body),
  })
  type Unknown = 'refuse' | 'skip'

  function grantOf(
    caveats: readonly string[],
    access: Access,
    unknownCaveats: Unknown,
  ): Grant | undefined {
    try {
      return ask(caveats, { access, options: { unknownCaveats } })
    } catch (error) {
      if ((error as L402Error).isL402Error) return undefined
      throw error
    }
  }

  test('for random tokens, accesses and caveats', () => {
    const seen = { allowed: 0, narrowed: 0, refused: 0 }
    fc.assert(
      fc.property(
        fc.oneof(token, plainToken),
        caveat,
        fc.oneof(accesses, fc.constant(access)),
        fc.constantFrom<Unknown>('refuse', 'skip'),
        (caveats, added, access, unknown) => {
          const longer = grantOf([...caveats, added], access, unknown)
          const shorter = grantOf(caveats, access, unknown)
          if (longer === undefined) {
            seen[shorter === undefined ? 'refused' : 'narrowed']++
            return
          }
          seen.allowed++
          if (shorter === undefined)
            expect.fail('the longer token grants what the shorter does not')
          expect(longer.tier).toBeLessThanOrEqual(shorter.tier)
          expect(longer.amountMsat <= shorter.amountMsat).toBe(true)
          expect(longer.validUntilSeconds).toBeLessThanOrEqual(shorter.validUntilSeconds)
          for (const part of ['limits', 'delegationIds', 'skipped'] as const) {
            expect(longer[part].slice(0, shorter[part].length)).toEqual(shorter[part])
          }
        },
      ),
      { numRuns: 30_000, seed: 402 },
    )
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(1000)
  })
})

test('R-CAV-2 every refusal is one of the codes that are documented', () => {
  const documented: readonly Code[] = [
    'CAVEAT_MALFORMED',
    'CAVEAT_UNKNOWN',
    'CAVEAT_WIDENS',
    'CAVEAT_NOT_MET',
    'ACCESS_EXPIRED',
    'ACCESS_OTHER_RESOURCE',
    'ACCESS_UNDERPAID',
  ]
  const text = fc.string({ unit: 'grapheme', maxLength: 40 })
  fc.assert(
    fc.property(fc.array(text, { maxLength: 6 }), (caveats) => {
      const given = answer(caveats)
      expect(documented).toContain(given.split(': ')[0])
    }),
  )
})
