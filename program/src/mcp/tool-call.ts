import type { CallToolResult, ServerContext } from '@modelcontextprotocol/server'
import { codes, isL402Error } from 'satway'
import { Failure } from '../cli/failure.ts'
import type { Patience } from './calls.ts'
import { defaultTimeoutSeconds } from './inputs.ts'
import type { Parts } from './parts.ts'
import { mistakeResult } from './results.ts'

/** What one call of a tool has to do with the world. */
export type ToolCall = Patience & {
  /** Tells the caller how far a download is, where it asked to be told. */
  readonly onBytes: ((bytes: number, total: number | undefined) => void) | undefined
}

/** What a call did, for the log. No secrets. */
export type Done = { readonly result: CallToolResult; readonly log: string }

/**
 * Does the work of one call of a tool, and turns whatever went wrong into a result: an error's own
 * text would be sent to the model as it is.
 *
 * @spec mcp.md R-MCP-6, R-MCP-33
 */
export async function answer(
  parts: Parts,
  tool: string,
  ctx: ServerContext,
  work: (call: ToolCall) => Promise<Done>,
  seconds: number = defaultTimeoutSeconds,
): Promise<CallToolResult> {
  const begun = performance.now()
  const say = (what: string): void => {
    parts.log(`${tool} ${what} ${Math.round(performance.now() - begun)} ms`)
  }
  // Over HTTP a caller that goes away cancels what it asked for.
  const gone = ctx.http?.req?.signal
  const signals = gone === undefined ? [ctx.mcpReq.signal] : [ctx.mcpReq.signal, gone]
  try {
    const { result, log } = await parts.calls.run({ signals, seconds }, (patience) =>
      work({ ...patience, onBytes: progressOf(ctx) }),
    )
    say(log)
    return result
  } catch (error) {
    if (error instanceof Failure) {
      say('not done')
      return mistakeResult(error.message, error.advice)
    }
    if (isL402Error(error)) {
      say(error.code)
      const hint = error.details['hint']
      return mistakeResult(codes[error.code], typeof hint === 'string' ? hint : undefined)
    }
    say(`fault ${error instanceof Error ? error.name : typeof error}`)
    return mistakeResult('This could not be done, because of a fault of the server itself.')
  }
}

const progressMs = 500

/** At most two notifications a second, and none that fails a download. */
function progressOf({ mcpReq }: ServerContext): ToolCall['onBytes'] {
  const progressToken = mcpReq._meta?.progressToken
  if (progressToken === undefined) return undefined
  let toldAt = Number.NEGATIVE_INFINITY
  let told = 0
  return (bytes, total) => {
    const now = performance.now()
    // The protocol wants each to be more than the one before.
    if (bytes <= told || (now - toldAt < progressMs && bytes !== total)) return
    toldAt = now
    told = bytes
    const params = { progressToken, progress: bytes, ...(total !== undefined && { total }) }
    mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined)
  }
}
