import type { RefusalResponse } from 'satway/server'

/**
 * A refusal as nginx can pass it on. `auth_request` knows 2xx, 401 and 403, takes every other status
 * for a failure, and throws the body away. So the answer is always 401, the status that the client is
 * to see is in `Satway-Status`, the body in `Satway-Problem`, and every header of the refusal in one
 * line, because older versions of nginx read the first one only.
 *
 * @spec gateway.md R-FA-6, R-FA-7
 */
export function forNginx({ status, headers, body }: RefusalResponse): RefusalResponse {
  const joined = new Map<string, string>()
  for (const [name, value] of headers) {
    // nginx writes the type of the body itself.
    if (name === 'Content-Type') continue
    const before = joined.get(name)
    joined.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return {
    status: 401,
    headers: [
      ...joined,
      ['Satway-Status', String(status)],
      ...(body === '' ? [] : [['Satway-Problem', inAscii(body)] as const]),
    ],
    body: '',
  }
}

/** JSON without a character that a header cannot carry. */
function inAscii(json: string): string {
  return json.replace(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
