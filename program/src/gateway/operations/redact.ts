/** Longest text of a peer in a message, in characters. */
const maxPeerText = 64

/** What follows the name of a scheme is a credential. */
const credentials =
  /\b(L402|LSAT|Bearer|Basic|Payment|Macaroon)(\s+|:\s*)(?:[A-Za-z]+=)?"?[A-Za-z0-9+/_.~=:-]{16,}"?/gi
const userInfo = /(\/\/)[^\s/@]+@/g
const query = /(?<=\S)\?[^\s"']+/g
const hex = /(?<![0-9A-Za-z])(?:[0-9a-f]{32,}|[0-9A-F]{32,})(?![0-9A-Za-z])/g
const base64 = /(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{40,}={0,2}/g

/**
 * Takes out whatever looks like a secret: credentials, long hex, long base64, passwords and queries
 * of addresses. The last net, not the first: nothing of the kind is put into messages on purpose.
 */
export function redact(text: string): string {
  return text
    .replace(credentials, '$1 [redacted]')
    .replace(userInfo, '$1[redacted]@')
    .replace(query, '?[redacted]')
    .replace(hex, '[redacted]')
    .replace(base64, (run) => (looksRandom(run) ? '[redacted]' : run))
}

/** Text from elsewhere, for a message: without control characters, and at most 64 characters. */
export function cutPeerText(text: string, most: number = maxPeerText): string {
  // Far more than is kept is not worth looking at; a secret cut in two would no longer look like one.
  const cleaned = redact(text.slice(0, 4096)).replace(strange, ' ')
  return cleaned.length <= most ? cleaned : `${cleaned.slice(0, most)}…`
}

/** Control characters, line ends of any kind, and marks that turn the direction of writing. */
export const strange =
  /[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu

/** Paths of files are long too, but no part of them mixes cases and digits for long. */
function looksRandom(run: string): boolean {
  return run.split('/').some((part) => {
    return part.length >= 20 && /[a-z]/.test(part) && /[A-Z]/.test(part) && /\d/.test(part)
  })
}
