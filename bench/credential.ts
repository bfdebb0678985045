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
import type { Decision, Gate, IncomingRequest, KeyRing } from 'satway/server'
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
import type { Subjects } from './rounds.ts'
import { repeat, repeatAsync, timeInRounds } from './rounds.ts'

/** Far more tokens than the gate remembers or recognises, taken in turn: each comes as if new. */
const strangers = 50_000
/** Tokens in the cache: each request takes the next one. */
const regulars = 1_000
const nowSeconds = 1_900_000_000
const uses = 1_000_000_000
/** lsat-js takes only text for a root key. */
const peerSecret = 'a root key of thirty-two letters'

type Row = Pick<Figure, 'what' | 'who' | 'target' | 'note'> & { readonly subject: string }

const rows: readonly Row[] = [
  {
    what: 'gate, token not seen before',
    who: ours,
    target: { atMost: 18 },
    subject: 'first',
  },
  {
    what: 'gate, token in the cache of verified tokens',
    who: ours,
    target: { atMost: 3 },
    subject: 'again',
  },
  {
    what: 'gate, token in the cache, its uses counted and committed',
    who: ours,
    subject: 'counted',
  },
  {
    what: 'functions: header, base64, chain, preimage, terms, authorize',
    who: ours,
    subject: 'functions',
  },
  {
    what: 'header, base64, chain, preimage, one condition',
    who: peer('lsat-js'),
    note: 'Lsat.fromToken, then verifyMacaroonCaveats with its satisfier for services',
    subject: 'lsatJs',
  },
  {
    what: 'base64 and chain',
    who: peer('macaroon'),
    note: 'no header, no preimage, no conditions: it can do no more',
    subject: 'macaroon',
  },
]

/** From the text of the Authorization header to a decision, for a token with five caveats. */
export const credentialChapter: Chapter = {
  name: 'credential',
  title: 'One credential check, five caveats',
  async run(pace, progress) {
    progress(`${rows.length} subjects, ${pace.rounds} rounds`)
    const names = rows.map(({ subject }) => subject)
    const timings = await timeInRounds(import.meta.url, names, pace)
    return rows.map(({ subject, ...row }) => {
      const { us, range } = timings.get(subject)!
      return { ...row, value: us, unit: 'µs', range }
    })
  },
}

export const subjects: Subjects = {
  first() {
    const { gate, keys } = openGate(purchase)
    const nextRequest = requestsOf(strangers, () => mintPaidToken(keys))
    return repeatAsync(() => admit(gate, nextRequest()))
  },
  again() {
    const { gate, keys } = openGate(purchase)
    const nextRequest = requestsOf(regulars, () => mintPaidToken(keys))
    return repeatAsync(() => admit(gate, nextRequest()))
  },
  counted() {
    const limited = { ...purchase, uses }
    const { gate, keys } = openGate(limited)
    const nextRequest = requestsOf(regulars, () => mintPaidToken(keys, limited))
    return repeatAsync(async () => {
      const decision = await admit(gate, nextRequest())
      await decision.finish(200)
    })
  },
  functions() {
    const { keys } = openGate(purchase)
    return repeat(checker(keys, mintPaidToken(keys)))
  },
  lsatJs() {
    const authorization = peerToken().authorization.replace(/^L402/, 'LSAT')
    const satisfier = createServicesSatisfier(purchase.service)
    return repeat(() => {
      const lsat = Lsat.fromToken(authorization)
      const allowed =
        lsat.isSatisfied() && verifyMacaroonCaveats(lsat.baseMacaroon, peerSecret, [satisfier])
      if (!allowed) throw new Error('lsat-js refuses a token of the benchmark')
    })
  },
  macaroon() {
    const { token } = peerToken()
    const rootKey = new TextEncoder().encode(peerSecret)
    return repeat(() => macaroonPackage.importMacaroon(token).verify(rootKey, () => null))
  },
}

/** The same token, under a root key that is text. */
function peerToken(): PaidToken {
  const rootKey = new TextEncoder().encode(peerSecret)
  return mintPaidToken({ newestKid: 1, rootKey: () => rootKey })
}

function openGate(sold: typeof purchase): { readonly gate: Gate; readonly keys: KeyRing } {
  const { service, amountMsat: price, capability } = sold
  const keys = createKeyRing([{ kid: 1, key: randomBytes(32) }])
  const now = (): number => nowSeconds
  const paywall = createPaywall({
    service,
    keys,
    payee: createDevnet({ force: true }).addNode('seller', { balanceMsat: msat(0n) }),
    uses: createMemoryUseStore({ now }),
    denyList: createMemoryDenyList(),
    now,
  })
  const limit = sold.uses === undefined ? {} : { uses: sold.uses }
  return { keys, gate: paywall.charge({ price, capability, ...limit }) }
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
