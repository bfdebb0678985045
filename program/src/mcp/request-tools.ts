import type { McpServer } from '@modelcontextprotocol/server'
import type { BodySink } from '../agent/index.ts'
import type { CallReport } from '../schema/index.ts'
import { callReport, quoteReport } from '../schema/index.ts'
import type { Download } from './download.ts'
import { openDownload, readFileName } from './download.ts'
import { fetchInput, quoteInput, resumeInput } from './inputs.ts'
import type { Parts } from './parts.ts'
import { readOrder, readResumption } from './request.ts'
import { callResult, quoteResult } from './results.ts'
import { withoutCredentials } from './strangers-text.ts'
import type { Done, ToolCall } from './tool-call.ts'
import { answer } from './tool-call.ts'

/** The most of a body that goes into a result, in bytes. */
const maxBodyBytes = 262_144

type Act = (options: {
  readonly sink?: BodySink
  readonly maxBodyBytes: number
}) => Promise<CallReport>

/**
 * The tools that ask a server something: `fetch`, `quote`, `resume`.
 *
 * @spec mcp.md R-MCP-10 to R-MCP-34
 */
export function registerRequestTools(server: McpServer, parts: Parts): void {
  const { agent, perform, askPrice, resumeCall } = parts

  server.registerTool(
    'fetch',
    {
      title: 'Fetch, and pay if need be',
      description:
        'Makes one HTTP request. If the server answers 402 with a Lightning invoice, pays it within the limits that the person set, and asks again with the proof. What was bought is kept and used again. Give maxCost whenever you know what it is worth. The body comes back as untrusted text, at most 256 KiB; use saveAs for more, or for files.',
      inputSchema: fetchInput,
      outputSchema: callReport,
      annotations: {
        readOnlyHint: false,
        destructiveHint: true,
        idempotentHint: false,
        openWorldHint: true,
      },
    },
    (given, ctx) =>
      answer(
        parts,
        'fetch',
        ctx,
        (call) => {
          const order = readOrder(given, call.signal)
          return carryOut(parts, 'fetch', call, given.saveAs, (options) =>
            perform(agent, order, options),
          )
        },
        given.timeoutSeconds,
      ),
  )

  server.registerTool(
    'quote',
    {
      title: 'Ask what it costs',
      description:
        'Asks what a request would cost, and pays nothing. The request itself is sent as it is: what turns out to be free is carried out. Takes what fetch takes, without saveAs.',
      inputSchema: quoteInput,
      outputSchema: quoteReport,
      annotations: {
        readOnlyHint: false,
        destructiveHint: true,
        idempotentHint: false,
        openWorldHint: true,
      },
    },
    (given, ctx) =>
      answer(
        parts,
        'quote',
        ctx,
        async (call) => {
          const report = await askPrice(agent, readOrder(given, call.signal))
          const log = `${hostOf(report.url)} ${report.quote ?? report.error?.code ?? 'none'}`
          return { result: quoteResult(report), log }
        },
        given.timeoutSeconds,
      ),
  )

  server.registerTool(
    'resume',
    {
      title: 'Go on with a purchase',
      description:
        'Goes on with a purchase whose payment was unknown, or that was paid and not delivered. Never pays. Takes the payment hash that the result gave as "resume"; headers and body of the request have to be given again.',
      inputSchema: resumeInput,
      outputSchema: callReport,
      annotations: {
        readOnlyHint: false,
        destructiveHint: true,
        idempotentHint: false,
        openWorldHint: true,
      },
    },
    (given, ctx) =>
      answer(parts, 'resume', ctx, (call) => {
        const init = readResumption(given, call.signal)
        return carryOut(parts, 'resume', call, given.saveAs, (options) =>
          resumeCall(agent, given.paymentHash.toLowerCase(), init, options),
        )
      }),
  )
}

/** Makes a call, with somewhere for its body to go, and makes of its report what a model may see. */
async function carryOut(
  parts: Parts,
  tool: 'fetch' | 'resume',
  call: ToolCall,
  saveAs: string | undefined,
  act: Act,
): Promise<Done> {
  const download = await openSaving(parts, call, saveAs)
  try {
    const sink = download === undefined ? {} : { sink: sinkOf(download, call) }
    const made = await act({ ...sink, maxBodyBytes })
    const report = { ...made, output: download?.savedAs() ?? null, body: await bodyOf(parts, made) }
    const { outcome, error, url } = report
    return { result: callResult(tool, report), log: `${hostOf(url)} ${error?.code ?? outcome}` }
  } finally {
    await download?.close()
  }
}

async function openSaving(
  { agent, saves }: Parts,
  { onBytes }: ToolCall,
  saveAs: string | undefined,
): Promise<Download | undefined> {
  if (saveAs === undefined) return undefined
  const name = readFileName(saveAs)
  const giveBack = saves.take()
  try {
    const download = await openDownload({
      folder: agent.home.downloadFolder,
      name,
      room: { maxFolderBytes: agent.downloadsMaxBytes },
      ...(onBytes !== undefined && { onBytes }),
    })
    return { ...download, close: () => download.close().finally(giveBack) }
  } catch (error) {
    giveBack()
    throw error
  }
}

function sinkOf(download: Download, { answered }: ToolCall): BodySink {
  return {
    get path() {
      return download.savedAs()
    },
    // An error page is no content for a file that was asked for.
    takes: ({ ok }) => ok,
    write: async (response) => {
      // What takes long from here on is the length of the answer.
      answered()
      await download.write(response)
    },
  }
}

async function bodyOf({ agent }: Parts, report: CallReport): Promise<string | null> {
  const { body, bodyEncoding } = report
  if (body === null) return null
  const isOurs = async (hash: string): Promise<boolean> => {
    try {
      return (await agent.journal?.ledger.find(hash)) !== undefined
    } catch {
      return true // nobody can tell, and what is free goes on without a journal
    }
  }
  if (bodyEncoding !== 'base64') return await withoutCredentials(body, isOurs)
  const bytes = Buffer.from(body, 'base64').toString('latin1')
  return Buffer.from(await withoutCredentials(bytes, isOurs), 'latin1').toString('base64')
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : '-'
}
