/** What can be said on the command line of `satway gateway --upstream URL --price AMOUNT`. */
export type OneLine = {
  readonly upstream: string
  readonly price: string
  /** Default `127.0.0.1:8402`. */
  readonly listen?: string
  /** Default `127.0.0.1:8403`; false for none. */
  readonly admin?: string | false
  /** Default `~/.satway/gateway.db`. */
  readonly state?: string
  /** `devnet`, or a wallet URI. Default devnet. */
  readonly wallet?: string
  /** Starts although the credential of the wallet can spend. */
  readonly allowSpending?: boolean
  /** Default `all`. */
  readonly capability?: string
  readonly uses?: number
  /** Such as `1h`. */
  readonly lifetime?: string
}

/**
 * The configuration that one line stands for, as text: one service `api` on any host, whose whole
 * upstream costs the same. It is read like a file, so that there is one way in.
 *
 * @spec gateway.md R-CONF-18
 */
export function oneLineConfig(options: OneLine): string {
  const route = [
    `price: ${quote(options.price)}`,
    `capability: ${quote(options.capability ?? 'all')}`,
    ...(options.uses === undefined ? [] : [`uses: ${options.uses}`]),
    ...(options.lifetime === undefined ? [] : [`lifetime: ${quote(options.lifetime)}`]),
  ].join(', ')
  return `listen: ${quote(options.listen ?? '127.0.0.1:8402')}
wallet: ${walletOf(options)}
state: ${quote(options.state ?? '~/.satway/gateway.db')}
admin: ${options.admin === false ? 'false' : quote(options.admin ?? '127.0.0.1:8403')}
services:
  - name: api
    upstream: ${quote(options.upstream)}
    routes:
      '* /': { ${route} }
      '* /*': { ${route} }
`
}

function walletOf({ wallet = 'devnet', allowSpending = false }: OneLine): string {
  return allowSpending ? `{ uri: ${quote(wallet)}, allow_spending: true }` : quote(wallet)
}

/** Every JSON text is a YAML text. What looks like a reference was not meant as one. */
function quote(text: string): string {
  return JSON.stringify(text.replaceAll('${', '$${'))
}
