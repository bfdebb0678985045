import type { Readable, Writable } from 'node:stream'
import type { McpServerFactory } from '@modelcontextprotocol/server'
import { StdioServerTransport, serveStdio as serve } from '@modelcontextprotocol/server/stdio'
import { messageLines, tooLongAnswer } from './message-lines.ts'

/** A connection over standard input and output. */
export type StdioServing = {
  /** Resolves when the client is gone: its end of the input, or nobody reads the output. */
  readonly ended: Promise<void>
  close(): Promise<void>
}

/** One line of the protocol, in bytes: room for the longest body with every character escaped. */
const maxMessageBytes = 4_194_304

/**
 * Serves MCP to the one client that started this process.
 *
 * @spec mcp.md R-MCP-2, R-MCP-3, R-MCP-8
 */
export function serveStdio(
  factory: McpServerFactory,
  streams: { readonly input: Readable; readonly output: Writable },
  onFault: (error: Error) => void,
): StdioServing {
  const { input, output } = streams
  const onLong = (end: string): void => {
    onFault(Object.assign(new Error('too long'), { name: 'MessageTooLong' }))
    output.write(tooLongAnswer(end, maxMessageBytes))
  }
  const lines = messageLines(maxMessageBytes, onLong, () => drained(output))
  // Nobody is there any more, as at its end.
  input.on('error', () => lines.end())
  const wire = new StdioServerTransport(input.pipe(lines), output, {
    // The lines are bounded already.
    maxBufferSize: 2 * maxMessageBytes,
  })
  const closeWire = wire.close.bind(wire)
  const ended = new Promise<void>((resolve) => {
    wire.close = async () => {
      await closeWire()
      // An input that is still read keeps the process from ending.
      input.unpipe(lines)
      input.pause()
      resolve()
    }
  })
  const handle = serve(factory, { transport: wire, onerror: onFault })
  return { ended, close: () => handle.close() }
}

/** A client that does not read what it asked for is asked nothing more: its answers stay in memory. */
async function drained(output: Writable): Promise<void> {
  if (!output.writableNeedDrain || output.destroyed) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      for (const event of events) output.off(event, done)
      resolve()
    }
    for (const event of events) output.on(event, done)
  })
}

const events = ['drain', 'close', 'error'] as const
