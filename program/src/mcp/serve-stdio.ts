import type { Readable, Writable } from 'node:stream'
import type { McpServerFactory } from '@modelcontextprotocol/server'
import { StdioServerTransport, serveStdio as serve } from '@modelcontextprotocol/server/stdio'

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
 * @spec mcp.md R-MCP-2, R-MCP-3
 */
export function serveStdio(
  factory: McpServerFactory,
  streams: { readonly input: Readable; readonly output: Writable },
  onFault: (error: Error) => void,
): StdioServing {
  const wire = new StdioServerTransport(streams.input, streams.output, {
    maxBufferSize: maxMessageBytes,
  })
  const closeWire = wire.close.bind(wire)
  const ended = new Promise<void>((resolve) => {
    wire.close = async () => {
      await closeWire()
      resolve()
    }
  })
  const handle = serve(factory, { transport: wire, onerror: onFault })
  return { ended, close: () => handle.close() }
}
