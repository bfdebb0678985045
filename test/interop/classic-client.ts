/** What a client found in a 402 response; `undefined` when it does not see a challenge. */
export type Found = { readonly token: string; readonly invoice: string } | undefined

/**
 * How a client in public use reads the challenge. Re-expressed from what it is known to accept and
 * to refuse (spec/vectors/l402-headers.json, `clientMatrix`); none of it is the client's code.
 */
export type ClassicClient = {
  readonly name: string
  /** Its column in the matrix. */
  readonly column: string
  /** What it relies on. */
  readonly how: string
  /** `lines`: the WWW-Authenticate lines of the response, in order. */
  find(lines: readonly string[]): Found
}

/** Most HTTP clients of JavaScript and Python hand several lines over as one. */
const joined = (lines: readonly string[]): string => lines.join(', ')

export const classicClients: readonly ClassicClient[] = [
  {
    name: 'Aperture',
    column: 'aperture-client',
    how: 'each line for itself; exact case, exact spacing, standard base64 with padding, in quotes',
    find(lines) {
      const exact = /(?:LSAT|L402) macaroon="([^"]*)", invoice="([^"]*)"/
      for (const line of lines) {
        const found = pair(exact.exec(line))
        if (found === undefined) continue
        if (isStandardBase64(found.token) && isMacaroonText(found.token)) return found
      }
      return undefined
    },
  },
  {
    name: 'lnget',
    column: 'lnget',
    how: 'the first line only; any case, any space after the comma, macaroon directly after the scheme',
    find([line = '']) {
      const found = pair(/^\s*(?:LSAT|L402)\s+macaroon="([^"]+)",\s*invoice="([^"]+)"/i.exec(line))
      return found !== undefined && isMacaroonText(found.token) ? found : undefined
    },
  },
  {
    name: 'l402-requests',
    column: 'l402-requests(ts) re',
    how: 'joined lines; any case, quotes optional, macaroon directly before invoice',
    find(lines) {
      return pair(
        /(?:LSAT|L402)\s+macaroon="?([^",\s]+)"?,\s*invoice="?([^",\s]+)"?/i.exec(joined(lines)),
      )
    },
  },
  {
    name: 'ln.bot',
    column: 'lnbot typescript-l402',
    how: 'joined lines that begin with L402 in exact case; quoted values by name, in any order',
    find(lines) {
      const header = joined(lines)
      return header.startsWith('L402 ') ? byName(header) : undefined
    },
  },
  {
    name: 'ngx_l402_core',
    column: 'ngx_l402_core parse',
    how: 'joined lines that begin with either scheme in any case; quoted values by name, in any order',
    find(lines) {
      const header = joined(lines)
      return /^(?:LSAT|L402) /i.test(header) ? byName(header) : undefined
    },
  },
  {
    name: 'L402sdk',
    column: 'L402sdk (rust)',
    how: 'the first line only, either scheme in exact case; values by name, quotes optional',
    find([line = '']) {
      const parameters = /^(?:LSAT|L402) (.*)$/.exec(line)?.[1]
      if (parameters === undefined) return undefined
      const values = new Map(
        parameters.split(',').map((part): [string, string] => {
          const [name = '', ...rest] = part.trim().split('=')
          return [name, rest.join('=').replace(/^"|"$/g, '')]
        }),
      )
      const token = values.get('macaroon')
      const invoice = values.get('invoice')
      return token !== undefined && invoice !== undefined ? { token, invoice } : undefined
    },
  },
  {
    name: 'Fewsats',
    column: 'fewsats-client',
    how: 'joined lines of whatever scheme; quoted values by name, with a space after each comma',
    find(lines) {
      const header = joined(lines)
      const token = /(?:^|\s)macaroon="([^"]+)"/.exec(header)?.[1]
      const invoice = /(?:^|\s)invoice="([^"]+)"/.exec(header)?.[1]
      return token !== undefined && invoice !== undefined ? { token, invoice } : undefined
    },
  },
]

function pair(match: RegExpExecArray | null): Found {
  return match === null ? undefined : { token: match[1]!, invoice: match[2]! }
}

function byName(header: string): Found {
  const token = /\bmacaroon="([^"]+)"/.exec(header)?.[1]
  const invoice = /\binvoice="([^"]+)"/.exec(header)?.[1]
  return token !== undefined && invoice !== undefined ? { token, invoice } : undefined
}

function isStandardBase64(text: string): boolean {
  return text !== '' && text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)
}

/** Base64 of any spelling over a V2 macaroon: its first byte is 2. */
function isMacaroonText(text: string): boolean {
  return Buffer.from(text, 'base64')[0] === 2
}
