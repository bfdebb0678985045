import type { HeaderList, RefusalResponse } from '../../server/index.ts'

/** The paywall's own response. */
export function toResponse({ status, headers, body }: RefusalResponse): Response {
  return new Response(status === 204 ? null : body, {
    status,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
  })
}

/** The response with headers set; a copy where its own cannot be changed. The body streams on. */
export function withHeaders(response: Response, headers: HeaderList): Response {
  try {
    for (const [name, value] of headers) response.headers.set(name, value)
    return response
  } catch {
    // Responses of `fetch` and redirects have immutable headers.
    const copy = new Response(response.body, response)
    for (const [name, value] of headers) copy.headers.set(name, value)
    return copy
  }
}
