import { randomBytes } from 'node:crypto'
import { createServicesSatisfier, Lsat, verifyMacaroonCaveats } from 'lsat-js'
import macaroonPackage from 'macaroon'
import type { CanonicalTarget, Msat } from 'satway'
import {
  authorize,
  canonicalTarget,
  decodeIdentifier,
  msat,
  parseCredential,
  provesPayment,
  readTerms,
} from 'satway'
import { createDevnet } from 'satway/lightning/devnet'
import { decodeToken, verify } from 'satway/macaroon'
import type { Decision, Gate, IncomingRequest, KeyRing, Paywall } from 'satway/server'
import {
  createKeyRing,
  createMemoryDenyList,
  createMemoryUseStore,
  createPaywall,
} from 'satway/server'
import type { Chapter, Figure } from './figures.ts'
import type { PaidToken } from './paid-token.ts'
import { caveatCount, mintPaidToken, purchase } from './paid-token.ts'
import { ours, peer } from './peers.ts'
import type { Subject } from './rounds.ts'
import { repeating, repeatingAsync, timeInRounds } from './rounds.ts'

/** Far more tokens than the gate remembers or recognises, taken in turn: each comes as if new. */
const strangers = 50_000
/** Tokens in the cache: each request takes the next one. */
const regulars = 1_000
const nowSeconds = 1_900_000_000
const countedCapability = 'decode-counted'
const uses = 1_000_000_000

/** From the text of the Authorization header to a decision, for a token with five caveats. */
export const credentialChapter: Chapter = {
  name: 'credential',
  title: 'One credential check, five caveats',
  async run(pace, progress) {
    const keys = createKeyRing([{ kid: 1, key: randomBytes(32) }])
    progress(`minting ${strangers + 2 * regulars} tokens`)
    const counted = { ...purchase, capability: countedCapability, uses }
    const gates = openGates(keys)
    const first = requestsOf(strangers, () => mintPaidToken(keys))
    const again = requestsOf(regulars, () => mintPaidToken(keys))
    const limited = requestsOf(regulars, () => mintPaidToken(keys, counted))

    const rows: readonly Row[] = [
      {
        what: 'gate, token not seen before',
        who: ours,
        target: { atMost: 18 },
        subject: repeatingAsync('first', () => admit(gates.first, first())),
      },
      {
        what: 'gate, token in the cache of verified tokens',
        who: ours,
        target: { atMost: 3 },
        subject: repeatingAsync('again', () => admit(gates.again, again())),
      },
      {
        what: 'gate, token in the cache, its uses counted and committed',
        who: ours,
        subject: repeatingAsync('limited', async () => {
          const decision = await admit(gates.limited, limited())
          await decision.finish(200)
        }),
      },
      {
        what: 'functions: header, base64, chain, preimage, terms, authorize',
        who: ours,
        subject: repeating('functions', checker(keys, mintPaidToken(keys))),
      },
      ...peers(),
    ]

    progress(`${rows.length} subjects, ${pace.rounds} rounds`)
    const timings = await timeInRounds(
      rows.map(({ subject }) => subject),
      pace,
    )
    await gates.close()
    return rows.map(({ subject, ...row }, i) => ({
      ...row,
      value: timings[i]!.us,
      unit: 'µs',
      range: timings[i]!.range,
    }))
  },
}

type Row = Pick<Figure, 'what' | 'who' | 'target' | 'note'> & { readonly subject: Subject }

type Gates = {
  readonly first: Gate
  readonly again: Gate
  readonly limited: Gate
  close(): Promise<void>
}

/** Gates of three paywalls, so that no subject fills the cache of another. */
function openGates(keys: KeyRing): Gates {
  const { service, amountMsat: price, capability } = purchase
  const payee = createDevnet().addNode('seller', { balanceMsat: msat(0n) })
  const open = (): Paywall =>
    createPaywall({
      service,
      payee,
      keys,
      uses: createMemoryUseStore({ now: () => nowSeconds }),
      denyList: createMemoryDenyList(),
      now: () => nowSeconds,
    })
  const paywalls = [open(), open(), open()] as const
  return {
    first: paywalls[0].charge({ price, capability }),
    again: paywalls[1].charge({ price, capability }),
    limited: paywalls[2].charge({ price, capability: countedCapability, uses }),
    async close() {
      for (const paywall of paywalls) await paywall.close()
    },
  }
}

/**
 * Requests with `count` different tokens, one after the other and then again. The header is made
 * from bytes each time, as it is for a request that comes from a socket: a string that was seen
 * before would have its hash ready.
 */
function requestsOf(count: number, mintToken: () => PaidToken): () => IncomingRequest {
  const headers = Array.from({ length: count }, () => Buffer.from(mintToken().authorization))
  let next = 0
  return () => {
    const lines = [headers[next++ % count]!.toString('latin1')]
    return {
      method: 'GET',
      target: '/v1/decode?invoice=lnbc1',
      clientAddress: '127.0.0.1',
      headerLines: (name) => (name === 'authorization' ? lines : none),
    }
  }
}

const none: readonly string[] = []

/** @throws {Error} when the gate refuses: a refusal would be fast for nothing. */
async function admit(
  gate: Gate,
  request: IncomingRequest,
): Promise<Decision & { readonly status: 'admitted' }> {
  const decision = await gate(request)
  if (decision.status !== 'admitted' || decision.receipt === undefined) {
    throw new Error('the gate does not admit a token of the benchmark')
  }
  return decision
}

/** The same work as the gate's, with nothing remembered. */
function checker(keys: KeyRing, { authorization }: PaidToken): () => unknown {
  const target: CanonicalTarget = canonicalTarget('/v1/decode?invoice=lnbc1')
  const priceMsat: Msat = purchase.amountMsat
  return () => {
    const { tokens, preimage } = parseCredential([authorization])!
    const macaroon = decodeToken(tokens[0]!)
    const { paymentHash } = decodeIdentifier(macaroon.identifier)
    if (!provesPayment(preimage, paymentHash)) throw new Error('the preimage does not match')
    const caveats = verify(macaroon, keys.rootKey(macaroon.identifier)!)
    if (caveats.length !== caveatCount) throw new Error(`the token has ${caveats.length} caveats`)
    const terms = readTerms(caveats, { service: purchase.service, paymentHash, preimage })
    return authorize(terms, {
      tier: purchase.tier,
      capability: purchase.capability,
      method: 'GET',
      target,
      nowSeconds,
      priceMsat,
      scope: undefined,
      clientAddress: undefined,
      origin: undefined,
      bodySha256: undefined,
    })
  }
}

/** The same token under a root key that is text, which is all that lsat-js takes. */
function peers(): readonly Row[] {
  const secret = 'a root key of thirty-two letters'
  const rootKey = new TextEncoder().encode(secret)
  const { token, authorization } = mintPaidToken({ newestKid: 1, rootKey: () => rootKey })
  const legacy = authorization.replace(/^L402/, 'LSAT')
  const satisfier = createServicesSatisfier(purchase.service)
  return [
    {
      what: 'token only: base64 and chain',
      who: peer('macaroon'),
      note: 'no header, no preimage, no conditions: it can do no more',
      subject: repeating('macaroon', () =>
        macaroonPackage.importMacaroon(token).verify(rootKey, () => null),
      ),
    },
    {
      what: 'header, base64, chain, preimage, one condition',
      who: peer('lsat-js'),
      note: 'Lsat.fromToken and verifyMacaroonCaveats with the satisfier for services; on macaroon 3.0.4 from the registry',
      subject: repeating('lsat-js', () => {
        const lsat = Lsat.fromToken(legacy)
        const allowed =
          lsat.isSatisfied() && verifyMacaroonCaveats(lsat.baseMacaroon, secret, [satisfier])
        if (!allowed) throw new Error('lsat-js refuses a token of the benchmark')
      }),
    },
  ]
}
