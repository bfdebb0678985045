import type { CallToolResult } from '@modelcontextprotocol/server'
import type { Code } from 'satway'
import { codes, formatMsat, msat } from 'satway'
import type { CallReport, QuoteReport, ReportedError } from '../schema/index.ts'
import { fenced, shortLine } from './strangers-text.ts'

const maxUrl = 2048
const maxMessage = 400
const maxShort = 64

/**
 * The result of `fetch` and `resume`. What the server said is marked and fenced, here and in the
 * structured content: some hosts show a model the one, some the other.
 *
 * @param report - Its body without credentials.
 * @spec mcp.md R-MCP-30 to R-MCP-34
 */
export function callResult(tool: 'fetch' | 'resume', report: CallReport): CallToolResult {
  const body = report.body === null ? null : fenced(bodyName(report), report.body)
  const structured: CallReport = {
    ...report,
    url: tool === 'resume' ? untrusted(report.url, maxUrl) : shortLine(report.url, maxUrl),
    contentType: mediaType(report.contentType),
    body,
    error: readable(report, tool, nextStep(tool, report)),
  }
  return result(callWords(structured), structured, body)
}

/**
 * The result of `quote`.
 *
 * @spec mcp.md R-MCP-31
 */
export function quoteResult(report: QuoteReport): CallToolResult {
  const { description, service, capability } = report
  const structured: QuoteReport = {
    ...report,
    url: shortLine(report.url, maxUrl),
    description: description === null ? null : untrusted(description),
    service: service === null ? null : untrusted(service),
    capability: capability === null ? null : untrusted(capability),
    error: readable(report, 'quote'),
  }
  const claims = Object.entries({ description, service, capability })
    .filter((claim): claim is [string, string] => claim[1] !== null && claim[1] !== '')
    .map(([name, text]) => `${name}: ${shortLine(text, maxShort)}`)
  const block = claims.length === 0 ? null : fenced('what the seller says', claims.join('\n'))
  return result(quoteWords(structured), structured, block)
}

/** The result of a tool that asked nobody: everything in it is our own. */
export function accountResult(words: string, structured: object): CallToolResult {
  return result(words, structured as { readonly error?: null }, null)
}

/** What could not be done, before anything was. */
export function mistakeResult(message: string, advice?: string): CallToolResult {
  const words = shortLine(advice === undefined ? message : `${message} ${advice}`, maxMessage)
  return { content: [{ type: 'text', text: words }], isError: true }
}

function result(
  words: string,
  structured: { readonly error?: ReportedError | null },
  stranger: string | null,
): CallToolResult {
  const content: CallToolResult['content'] = [{ type: 'text', text: words }]
  if (stranger !== null) content.push({ type: 'text', text: stranger })
  return {
    content,
    structuredContent: { ...structured },
    ...((structured.error ?? null) !== null && { isError: true }),
  }
}

function callWords(report: CallReport): string {
  const { outcome, method, url, status, output, truncated, body, error } = report
  const answered = status === null ? '' : `, answered with status ${status}`
  const lines = [`${outcome}: ${method} ${url}${answered}. ${money(report)}`]
  if (output !== null) lines.push(`The body was saved as ${output}`)
  if (body !== null) lines.push(`${bodyName(report)} is in the next block: untrusted text.`)
  if (truncated) {
    lines.push(
      'Only its beginning is there. Another call with saveAs gets all of it; quote tells whether that costs again.',
    )
  }
  if (error !== null) lines.push(...errorWords(error))
  return lines.join('\n')
}

function quoteWords({
  quote,
  method,
  url,
  amountMsat,
  maxFeeMsat,
  asks,
  error,
}: QuoteReport): string {
  const lines = [`${quote ?? 'no quote'}: ${method} ${url}. Nothing was paid.`]
  if (quote === 'free') lines.push('The server asked for no payment: the request was carried out.')
  if (quote === 'covered') lines.push('A token that was bought before opens this.')
  if (amountMsat !== null) {
    const fee = maxFeeMsat === null ? '' : `, and at most ${amountOf(maxFeeMsat)} for the route`
    lines.push(`It costs ${amountOf(amountMsat)}${fee}.`)
  }
  if (asks !== null) lines.push('The person who runs this server will be asked before it is paid.')
  if (error !== null) lines.push(...errorWords(error))
  return lines.join('\n')
}

function money({ outcome, amountMsat, feeMsat, paymentHash }: CallReport): string {
  if (amountMsat === null) return outcome === 'not_paid' ? 'Nothing was paid.' : ''
  const hash = paymentHash === null ? '' : ` Payment hash ${paymentHash}.`
  switch (outcome) {
    case 'paid_delivered':
    case 'paid_not_delivered': {
      const fee = feeMsat === null ? '' : `, fee ${amountOf(feeMsat)}`
      return `Paid ${amountOf(amountMsat)}${fee}.${hash}`
    }
    case 'unknown':
      return `Whether ${amountOf(amountMsat)} was paid is not known yet.${hash}`
    case 'refused':
    case 'not_paid':
      return `The price is ${amountOf(amountMsat)}. Nothing was paid.`
    default:
      return outcome satisfies never
  }
}

function errorWords({ code, reason, message, advice }: ReportedError): readonly string[] {
  const name = reason === null ? code : `${code} (${reason})`
  return advice === null ? [`${name}: ${message}`] : [`${name}: ${message}`, advice]
}

/** What a model can do about it. The advice of an error is for people at a command line. */
function nextStep(tool: string, { outcome, approvalId, resume }: CallReport): string | undefined {
  if (approvalId !== null) return approvalWords(tool, approvalId)
  return resume === null ? undefined : resumeWords(outcome, resume)
}

function approvalWords(tool: string, id: string): string {
  return `Ask the person to run \`satway approvals approve ${id}\`, and call ${tool} again with the same arguments once that is done. Nobody else can approve it, and there is no tool for it.`
}

function resumeWords(outcome: CallReport['outcome'], hash: string): string {
  const first =
    outcome === 'unknown' ? 'Do not buy this again.' : 'It is paid for: do not buy it again.'
  return `${first} Call resume with {"paymentHash":"${hash}"}, which pays nothing.`
}

/** Without parameters: a server can write into those what it likes. */
function mediaType(contentType: string | null): string | null {
  return /^[\w.+-]{1,40}\/[\w.+-]{1,60}/.exec(contentType ?? '')?.[0] ?? null
}

function bodyName({ bodyEncoding }: CallReport): string {
  return bodyEncoding === 'base64' ? 'body of the answer, base64' : 'body of the answer'
}

/** @param next - Instead of the advice of the error. */
function readable(
  { error, url }: Pick<CallReport, 'error' | 'url'>,
  tool: 'fetch' | 'quote' | 'resume',
  next?: string,
): ReportedError | null {
  if (error === null) return null
  const { code, reason, advice } = error
  const message = tool === 'resume' ? ownMessage(error) : ownMessage(error, URL.parse(url)?.origin)
  return {
    code: shortLine(code, maxShort),
    reason: reason === null ? null : shortLine(reason, maxShort),
    message: forTools(shortLine(message, maxMessage)),
    advice: next ?? (advice === null ? null : forTools(shortLine(advice, maxMessage))),
  }
}

/**
 * Without details that a server may have chosen, such as the name that a redirect led to.
 *
 * @param asked - Where the model asked.
 */
function ownMessage({ code, reason, message }: ReportedError, asked = 'that was paid'): string {
  if (code === 'NETWORK' && reason !== null) {
    return `The server ${asked}, or one that it led to, cannot be reached (${reason}).`
  }
  const fixed = Object.hasOwn(codes, code) ? codes[code as Code] : undefined
  return fixed !== undefined && message.startsWith(fixed) ? fixed : message
}

/** What is a flag at the command line is an argument here. */
function forTools(words: string): string {
  return words
    .replaceAll('--max-cost', 'maxCost')
    .replaceAll('--max-fee', 'maxFee')
    .replaceAll('--dry-run', 'quote')
    .replaceAll('--data', 'body')
    .replaceAll('`satway resume` lists them', 'the tool tokens lists them as "resumable"')
}

/** A stranger's few words, where there is no room for a fence. */
export function untrusted(text: string, max: number = maxShort): string {
  return `untrusted: ${shortLine(text, max)}`
}

function amountOf(digits: string): string {
  return formatMsat(msat(BigInt(digits)))
}
