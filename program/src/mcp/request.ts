import type { CallLimitOptions, FetchInit } from 'satway/client'
import type { CallOrder } from '../agent/index.ts'
import { Failure } from '../cli/failure.ts'
import type { QuoteArguments, ResumeArguments } from './inputs.ts'
import { readHeaders } from './request-headers.ts'

/**
 * The request that a tool was asked to make. Its URL counts as a stranger's: a model may have it
 * from anywhere.
 *
 * @throws {Failure} for what no request can be made of. Never repeats a value.
 * @spec mcp.md R-MCP-10 to R-MCP-14
 */
export function readOrder(
  given: Omit<QuoteArguments, 'timeoutSeconds'>,
  signal: AbortSignal,
): CallOrder {
  const method = given.method ?? (given.body === undefined ? 'GET' : 'POST')
  if (given.body !== undefined && (method === 'GET' || method === 'HEAD')) {
    throw new Failure(`A ${method} request carries no body.`)
  }
  return {
    url: readUrl(given.url),
    init: {
      method,
      signal,
      ...readContent(given),
      l402: {
        untrustedUrl: true,
        ...(given.pay !== undefined && { pay: given.pay }),
        ...(given.maxCost !== undefined && { expectedPriceMsat: given.maxCost }),
        ...(given.maxFee !== undefined && { maxFeeMsat: given.maxFee }),
      },
    },
  }
}

/** The same for a purchase that is gone on with: method and URL are in the journal. */
export function readResumption(given: ResumeArguments, signal: AbortSignal): FetchInit {
  const l402: CallLimitOptions = { untrustedUrl: true, pay: false }
  return { signal, ...readContent(given), l402 }
}

/**
 * Scheme, host and port of what was given as an origin.
 *
 * @throws {Failure}
 */
export function readOrigin(text: string): string {
  return new URL(readUrl(text)).origin
}

function readUrl(text: string): string {
  const advice = 'Expected a URL such as https://api.example.com/v1/weather'
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
    throw new Failure('This is not an http or https URL.', { advice })
  }
  const url = new URL(text)
  if (url.username === '' && url.password === '') return url.href
  throw new Failure('A URL must not carry a user name or a password.', { advice })
}

function readContent({
  headers: given,
  body,
  contentType,
}: Pick<QuoteArguments, 'headers' | 'body' | 'contentType'>): Pick<FetchInit, 'headers' | 'body'> {
  const headers = readHeaders(given)
  if (contentType !== undefined && headers.has('content-type')) {
    throw new Failure('The content type is given twice.', { advice: 'Leave contentType out.' })
  }
  if (body === undefined) return { headers }
  if (contentType !== undefined) {
    headers.set('content-type', readHeaders({ 'content-type': contentType }).get('content-type')!)
  } else if (!headers.has('content-type')) {
    headers.set('content-type', isJson(body) ? 'application/json' : 'text/plain; charset=utf-8')
  }
  return { headers, body }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
