/**
 * What the body of a 402 says: servers repeat their challenge in it, as JSON. Also reads
 * `{"invoice": "…"}`, what one gives to a wallet.
 *
 * @returns the challenge as the value of a header, or the invoice that stands alone.
 */
export function readBodyOf402(
  text: string,
): { readonly challenge: string } | { readonly invoice: string } | undefined {
  const body = parseObject(text)
  const { invoice } = body
  if (typeof invoice !== 'string') return undefined
  const parameters = (['macaroon', 'token'] as const).flatMap((name) => parameter(body, name))
  if (parameters.length === 0) return { invoice: invoice.trim() }
  const all = [...parameters, ...parameter(body, 'invoice'), ...parameter(body, 'version')]
  return { challenge: `L402 ${all.join(', ')}` }
}

function parameter(body: Readonly<Record<string, unknown>>, name: string): readonly string[] {
  const value = body[name]
  return typeof value === 'string' ? [`${name}="${value.replace(/["\\]/g, '\\$&')}"`] : []
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  if (!text.startsWith('{')) return {}
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>
  } catch {
    return {}
  }
}
