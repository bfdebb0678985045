import type { McpServerFactory } from '@modelcontextprotocol/server'
import { McpServer } from '@modelcontextprotocol/server'
import { registerAccountTools } from './account-tools.ts'
import { registerDelegateTool } from './delegate-tool.ts'
import { instructions } from './instructions.ts'
import type { Parts } from './parts.ts'
import { registerRequestTools } from './request-tools.ts'

/**
 * What makes a server for each connection, or over HTTP for each request. All of them share the
 * agent: its budget, its journal and its tokens.
 *
 * @param version - Of this program.
 * @spec mcp.md R-MCP-1
 */
export function createServers(parts: Parts, version: string): McpServerFactory {
  return () => {
    const server = new McpServer(
      { name: 'satway', title: 'Satway', version },
      // The list never changes.
      { instructions, capabilities: { tools: { listChanged: false } } },
    )
    registerRequestTools(server, parts)
    registerAccountTools(server, parts)
    registerDelegateTool(server, parts)
    return server
  }
}
