/**
 * What somebody at a terminal does about a refusal.
 *
 * @param path - What was asked for.
 * @param macaroonFile - Where the macaroon was read.
 * @returns `undefined` for a code that is not known here; empty where the refusal says it all.
 */
export function adviceFor(code: string, path: string, macaroonFile: string): string | undefined {
  switch (code) {
    case 'ADMIN_HOST':
      return 'Name it as 127.0.0.1 or localhost: --address 127.0.0.1:PORT'
    case 'ADMIN_UNAUTHENTICATED':
      return 'It is of another gateway, or of an earlier admin key. Name the file that this gateway wrote with --macaroon FILE or SATWAY_ADMIN_MACAROON; by default it is admin.macaroon, beside its state file.'
    case 'ADMIN_CAVEAT':
      return 'Ask whoever gave it to you for another, or name another: --macaroon FILE'
    case 'ADMIN_SCOPE':
      return `The one in ${macaroonFile} was narrowed to other scopes. Name another: --macaroon FILE`
    case 'ADMIN_NOT_FOUND':
      return whereToLook(path)
    case 'ADMIN_INVALID':
      return path === '/v1/reload'
        ? 'Nothing was changed: the configuration that was in force stays. Correct all the mistakes that are listed, and reload again.'
        : 'Nothing was changed. Correct all the mistakes that are listed, and try again.'
    case 'ADMIN_CONFLICT':
      return path.startsWith('/v1/tokens') ? '' : 'Nothing was changed.'
    case 'ADMIN_MALFORMED':
    case 'ADMIN_METHOD':
    case 'ADMIN_MEDIA_TYPE':
      return ''
    case 'ADMIN_TOO_LARGE':
      return 'A service may have 64 KiB.'
    case 'ADMIN_UNAVAILABLE':
      return 'See `satway admin health`, and try again.'
    case 'ADMIN_FAULT':
      return 'This is a fault of satway. The log of the gateway has the reason.'
    default:
      return undefined
  }
}

function whereToLook(path: string): string {
  if (path === '/v1/revocations') {
    return 'Nothing was revoked. A delegation id? Add --delegation. To deny a token before it was ever used, give its whole id and add --unseen.'
  }
  if (path.startsWith('/v1/revocations'))
    return 'See what is revoked: satway admin revocations list'
  if (path.startsWith('/v1/tokens/')) return 'See what was sold: satway admin tokens list'
  return 'See what there is: satway admin services list'
}
