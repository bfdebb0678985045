import { nearest } from './mistakes.ts'

/** Registered methods (IANA) that a route can have, the usual ones first. */
const registered: readonly string[] = [
  ...['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
  ...[
    'PROPFIND',
    'PROPPATCH',
    'MKCOL',
    'COPY',
    'MOVE',
    'LOCK',
    'UNLOCK',
    'SEARCH',
    'REPORT',
    'ACL',
  ],
  ...['BIND', 'UNBIND', 'REBIND', 'LINK', 'UNLINK', 'LABEL', 'MERGE', 'UPDATE', 'ORDERPATCH'],
  ...['CHECKIN', 'CHECKOUT', 'UNCHECKOUT', 'MKACTIVITY', 'MKCALENDAR', 'MKREDIRECTREF'],
  ...['MKWORKSPACE', 'UPDATEREDIRECTREF', 'QUERY'],
]

/**
 * What to say about the method of a route that nobody registered.
 *
 * @spec gateway.md R-CONF-27
 */
export function methodWarning(key: string): string | undefined {
  const [method = ''] = key.split(' ', 1)
  if (method === '*' || registered.includes(method)) return undefined
  const meant = nearest(method, registered)
  return `${method} is no registered HTTP method${meant === undefined ? '' : `; did you mean ${meant}?`}`
}

/**
 * What the library says of a key that is none, with what to write instead where that can be told.
 *
 * @spec gateway.md R-CONF-28
 */
export function explainKey(key: string, message: string): string {
  const named = withNames(key)
  if (named !== undefined) return `a part that varies is written :name: write ${named}`
  if (!message.startsWith('expected a method or *')) return message
  const written = wellFormed(key.trim())
  if (written !== undefined) return `${message}: write ${written}`
  return `${message}, such as GET /v1/weather/:city`
}

/** `GET /v1/{city}` and its like in other frameworks, as it is written here. */
function withNames(key: string): string | undefined {
  const named = key.replace(
    /\/(?:\{(\w{1,32})\}|<(?:\w+:)?(\w{1,32})>|\[(\w{1,32})\])/g,
    '/:$1$2$3',
  )
  return named === key || !isShown(named) ? undefined : (wellFormed(named) ?? named)
}

/** A method, or `*`, one space and a path, of what has most of it. */
function wellFormed(key: string): string | undefined {
  const match = /^(?:([A-Za-z]{1,16}|\*)\s+)?(?:https?:\/\/[^/\s]+)?(\/?[^\s/:][^\s]*|\/)$/.exec(
    key,
  )
  const [, method, path = ''] = match ?? []
  if (match === null || !isShown(path) || /[:?#]\/|\?/.test(path)) return undefined
  // A single word is a method as likely as a path.
  if (method === undefined && !path.startsWith('/')) return undefined
  return `${method?.toUpperCase() ?? 'GET'} /${path.replace(/^\//, '')}`
}

function isShown(text: string): boolean {
  return text.length <= 64 && /^[\x20-\x7e]*$/.test(text)
}
