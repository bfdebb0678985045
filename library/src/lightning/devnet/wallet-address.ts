import { L402Error } from '../../errors.ts'
import { readObject } from './json-object.ts'

/**
 * Where a wallet endpoint listens and how it is opened. The secret is a bearer token.
 *
 * The addresses that this folder makes keep the secret out of `console.log`, `JSON.stringify` and
 * copies by spreading; read it by name.
 */
export type WalletAddress = {
  /** `http://127.0.0.1:<port>`, nothing else. */
  readonly url: string
  /** 64 lower-case hex digits. */
  readonly secret: string
}

/** Longest wallet file we read, in characters. */
const maxFileLength = 1024

/**
 * Checks an address and hides its secret.
 *
 * @throws {L402Error} CONFIG_INVALID unless the URL is `http://127.0.0.1:<port>` and the secret is 64
 *   lower-case hex digits. A secret of another form could break out of its header.
 * @spec lightning.md R-LN-40, R-LN-46
 */
export function walletAddress(url: string, secret: string): WalletAddress {
  const port = /^http:\/\/127\.0\.0\.1:([1-9]\d{0,4})$/.exec(url)?.[1]
  if (port === undefined || Number(port) > 65_535) {
    throw malformed('the URL is not http://127.0.0.1:<port>')
  }
  if (!/^[0-9a-f]{64}$/.test(secret)) throw malformed('the secret is not 64 lower-case hex digits')
  return new SealedAddress(url, secret)
}

/**
 * Reads the text of a wallet file: a JSON object with the members `url` and `secret` and no other.
 *
 * @throws {L402Error} CONFIG_INVALID for anything else.
 * @spec lightning.md R-LN-47
 */
export function parseWalletFile(text: string): WalletAddress {
  const members = text.length > maxFileLength ? undefined : readObject(text, ['url', 'secret'])
  if (members === undefined) throw malformed('the file is not a JSON object of url and secret')
  const { url, secret } = members
  if (typeof url !== 'string' || typeof secret !== 'string') {
    throw malformed('url and secret are not both texts')
  }
  return walletAddress(url, secret)
}

/** The inverse of {@link parseWalletFile}. Carries the secret. */
export function formatWalletFile(address: WalletAddress): string {
  return `${JSON.stringify({ url: address.url, secret: address.secret })}\n`
}

/** A class for its private field: no inspection and no serialization shows the secret. */
class SealedAddress implements WalletAddress {
  readonly url: string
  readonly #secret: string

  constructor(url: string, secret: string) {
    this.url = url
    this.#secret = secret
  }

  get secret(): string {
    return this.#secret
  }
}

function malformed(reason: string): L402Error {
  return new L402Error('CONFIG_INVALID', { what: 'wallet address', reason })
}
