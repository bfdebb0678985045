import { spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import * as satway from 'satway'
import { decodeIdentifier, encodeHex, satToMsat } from 'satway'
import { createClient, createMemoryTokenStore } from 'satway/client'
import { connectWallet, createDevnet, serveWallet } from 'satway/lightning/devnet'
import { attenuate, decodeToken, encodeToken } from 'satway/macaroon'
import { protect } from 'satway/node-http'
import { createKeyRing, createPaywall, parseKeyRing } from 'satway/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

// S8: marked secrets go through every path, and everything that comes out is searched for them.

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const masterKey = Uint8Array.from({ length: 32 }, (_, i) => 0xa0 ^ i)
const walletSecret = 'ab'.repeat(32)

/** Everything that somebody could see: events, errors, bodies of refusals, inspected objects. */
const seen: string[] = []
/** Everything that nobody may see there, by name. */
const secrets = new Map<string, string>()

const devnet = createDevnet()
const seller = devnet.addNode('seller', { balanceMsat: satToMsat(0n) })
const buyer = devnet.addNode('buyer', { balanceMsat: satToMsat(100_000n) })
const keys = createKeyRing([{ kid: 7, key: masterKey }])
const paywall = createPaywall({
  service: 'marked',
  payee: seller,
  keys,
  on: { challenge: see, admitted: see, refused: see, settled: see, failure: see },
})
const gate = paywall.charge({ price: '10 sat', capability: 'read', uses: 3 })
const server = createServer(protect(gate, (_req, res) => res.end('sold')))
let url = ''
let wallet: Awaited<ReturnType<typeof serveWallet>>

beforeAll(async () => {
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/read`
  wallet = await serveWallet(buyer, { secret: walletSecret })
})

afterAll(async () => {
  await wallet.close()
  await paywall.close()
  server.close()
})

describe('S8: no secret comes out', () => {
  test('of a purchase, of what is bought with it, or of any refusal', async () => {
    secret('master key', masterKey)
    secrets.set('wallet secret', walletSecret)

    const tokens = createMemoryTokenStore()
    const payer = connectWallet(wallet.address)
    const client = createClient({
      payer,
      tokens,
      policy: { maxPaymentMsat: '100 sat', maxTotalMsat: '40 sat' },
    })
    const bought = await client.fetch(url)
    expect(await bought.text()).toBe('sold')
    see(client.purchaseOf(bought))

    const [stored] = await tokens.list()
    if (stored === undefined) throw new Error('no token was kept')
    const macaroon = decodeToken(stored.token)
    const rootKey = keys.rootKey(macaroon.identifier)
    if (rootKey === undefined) throw new Error('no root key')
    secrets.set('preimage', stored.preimage)
    secrets.set('token', stored.token.slice(-40))
    secret('signature', macaroon.signature)
    secret('root key', rootKey)
    expect(encodeHex(decodeIdentifier(macaroon.identifier).paymentHash)).toBe(stored.paymentHash)

    const damaged = `${stored.token.slice(0, -8)}AAAAAAA=`
    const narrowed = encodeToken(attenuate(macaroon, 'method=POST'))
    const unknown = encodeToken(attenuate(macaroon, `tag=${stored.preimage.slice(0, 8)}`))
    for (const authorization of [
      `L402 ${stored.token}:${stored.preimage}`,
      `L402 ${stored.token}:${stored.preimage}`,
      `L402 ${stored.token}:${stored.preimage}`,
      `L402 ${stored.token}:${'0'.repeat(64)}`,
      `L402 ${stored.token}:${stored.preimage}00`,
      `L402 ${stored.token}${stored.preimage}`,
      `L402 ${stored.token}!:${stored.preimage}`,
      `L402 ${damaged}:${stored.preimage}`,
      `L402 ${narrowed}:${stored.preimage}`,
      `L402 ${unknown}:${stored.preimage}`,
      `L402 ${stored.token}:${stored.preimage}, LSAT ${damaged}:${stored.preimage}`,
      `Bearer ${stored.token}:${stored.preimage}`,
    ]) {
      const response = await fetch(url, { headers: { authorization } })
      // A fresh challenge has a token of its own; what is planted must not be in it either.
      see([response.status, [...response.headers], await response.text()])
    }

    // What goes wrong on the client's side.
    for (const options of [{ maxCostMsat: '1 sat' }, { maxFeeMsat: '0 sat' }]) {
      await client.fetch(`${url}?other`, { l402: options }).then(see, see)
    }
    buyer.injectFault({ kind: 'wrong-preimage' })
    await client.fetch(url).then(see, see)
    buyer.injectFault({ kind: 'fail', reason: 'no-route' })
    await client.fetch(url).then(see, see)
    buyer.injectFault({ kind: 'in-flight' })
    await client.fetch(url).then(see, see)
    await client.fetch(url).then(see, see)
    await wallet.close()
    await createClient({
      payer: connectWallet(wallet.address),
      policy: { maxPaymentMsat: '100 sat', maxTotalMsat: '1000 sat' },
    })
      .fetch(url)
      .then(see, see)

    // The objects themselves, as a logger or a debugger shows them.
    for (const object of [
      keys,
      paywall,
      gate,
      seller,
      buyer,
      devnet,
      client,
      payer,
      wallet,
      tokens,
    ]) {
      see(object)
    }
    expect(seen.length).toBeGreaterThan(40)
    expectNoSecrets()
  })

  test('of a reader that refuses what it was given', () => {
    const [preimage, token] = [secrets.get('preimage'), secrets.get('token')]
    const inputs = [
      `${preimage}`,
      `${token}`,
      `L402 ${token}:${preimage}`,
      `${preimage}=1`,
      `1:${preimage}`,
    ]
    const readers: readonly ((text: string) => unknown)[] = [
      satway.decodeInvoice,
      satway.decodeHex,
      satway.parseAmount,
      satway.parseCaveat,
      satway.canonicalTarget,
      satway.parseMetadataCredential,
      decodeToken,
      parseKeyRing,
      (text) => satway.parseCredential([`L402 ${text}`]),
      (text) => satway.parseChallenges([`L402 macaroon="${text}`]),
    ]
    seen.length = 0
    for (const read of readers) {
      for (const input of inputs) {
        try {
          // A reader may well accept its input; then what it gives is the caller's own.
          read(`${input}!`)
        } catch (error) {
          see(error)
        }
      }
    }
    expect(seen.length).toBeGreaterThan(30)
    expectNoSecrets()
  })

  test('of the command line', () => {
    const token = `L402 ${encodeToken(decodeToken(marked()))}:${secrets.get('preimage')}`
    secrets.set('token', marked().slice(-40))
    seen.length = 0
    const satwayCommand = resolve(root, 'program/bin/satway.js')
    for (const args of [
      ['decode', token],
      ['decode', token, '--json'],
      ['decode', `${token}!`],
      ['decode', marked()],
      ['get', 'http://127.0.0.1:1/', '-H', `Authorization: ${token}`],
      ['get', 'not a url', '-H', `Authorization: ${token}`],
    ]) {
      const run = spawnSync(process.execPath, [satwayCommand, ...args], { encoding: 'utf8' })
      see([run.stdout, run.stderr])
    }
    expectNoSecrets()
  })

  test('and the search finds what is planted', () => {
    seen.length = 0
    see(new Error(`leaked ${secrets.get('preimage')}`))
    expect(findSecrets()).toEqual(['preimage'])
    seen.length = 0
    see({ deep: [{ key: masterKey }] })
    expect(findSecrets()).toEqual(['master key'])
  })
})

let markedToken = ''

/** A token whose last characters are searched for. */
function marked(): string {
  if (markedToken === '') {
    const identifier = new Uint8Array(66).fill(9)
    identifier.fill(0, 0, 2)
    markedToken = encodeToken({
      identifier,
      unverifiedCaveats: [],
      signature: Uint8Array.from({ length: 32 }, (_, i) => 0x40 + i),
    })
  }
  return markedToken
}

function secret(name: string, bytes: Uint8Array): void {
  secrets.set(name, encodeHex(bytes))
  secrets.set(`${name} in base64`, Buffer.from(bytes).toString('base64').replace(/=+$/, ''))
  secrets.set(`${name} as an array`, [...bytes].slice(0, 16).join(','))
}

function see(thing: unknown): void {
  const deep = {
    depth: Number.POSITIVE_INFINITY,
    showHidden: true,
    maxStringLength: null,
    maxArrayLength: null,
  }
  seen.push(typeof thing === 'string' ? thing : inspect(thing, deep), json(thing), String(thing))
}

function json(thing: unknown): string {
  try {
    const text = JSON.stringify(thing, (_, value: unknown) => {
      return typeof value === 'bigint' ? value.toString() : value
    })
    return text ?? ''
  } catch {
    return ''
  }
}

function findSecrets(): string[] {
  // `inspect` shows bytes as numbers and in hex with spaces: compare without white space.
  const output = seen.join('\n').toLowerCase().replace(/\s+/g, '')
  const found = [...secrets].filter(([, text]) => output.includes(text.toLowerCase()))
  return [...new Set(found.map(([name]) => name.replace(/ (in base64|as an array)$/, '')))]
}

function expectNoSecrets(): void {
  expect(findSecrets()).toEqual([])
}
