import { Console } from 'node:console'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { McpServerFactory } from '@modelcontextprotocol/server'
import type { Agent } from '../agent/index.ts'
import { askPrice, openAgent, perform, resumeCall } from '../agent/index.ts'
import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { packageFolder } from '../package-folder.ts'
import { openAccessToken } from './access-token.ts'
import { createCalls, waitSecondsLeft } from './calls.ts'
import { createSaves } from './download-room.ts'
import { createServers } from './server.ts'
import type { Settings } from './settings.ts'
import { readSettings } from './settings.ts'
import { shortLine } from './strangers-text.ts'

const maxCalls = 128
const maxSaves = 4
const maxLine = 300

/** Runs `satway mcp`. */
export async function runMcp(given: Given): Promise<number> {
  const settings = readSettings(given)
  keepOutputForProtocol()
  const { wallet, credential } = settings
  const agent = await openAgent({
    ask: { kind: 'queue', mostSeconds: waitSecondsLeft },
    ...(wallet !== undefined && { wallet }),
    ...(credential !== undefined && { credential }),
  })
  try {
    agent.keepReconciling()
    return await serve(agent, settings)
  } finally {
    await agent.close()
  }
}

async function serve(agent: Agent, settings: Settings): Promise<number> {
  const calls = createCalls(maxCalls)
  const saves = createSaves(maxSaves)
  const now = (): number => Date.now() / 1000
  const { allowDelegate } = settings
  const parts = { agent, perform, askPrice, resumeCall, calls, saves, allowDelegate, now, log }
  const factory = createServers(parts, readVersion())
  const asked = untilAskedToStop()
  const serving = await open(factory, agent, settings)
  log(`serves ${serving.where}, wallet ${agent.walletKind}`)
  await Promise.race([serving.ended, asked])
  // Calls first: what they have to say is written down, and may still be read.
  await calls.end()
  await serving.close()
  log('stopped')
  return exitCodes.ok
}

async function open(
  factory: McpServerFactory,
  agent: Agent,
  { http }: Settings,
): Promise<{
  readonly where: string
  readonly ended: Promise<void>
  close(): Promise<void>
}> {
  if (http === undefined) {
    const { serveStdio } = await import('./serve-stdio.ts')
    const streams = { input: process.stdin, output: process.stdout }
    return { where: 'standard input and output', ...serveStdio(factory, streams, logFault) }
  }
  const { serveHttp } = await import('./serve-http.ts')
  const token = openAccessToken(agent.home)
  const serving = await serveHttp(factory, { ...http, token, onFault: logFault })
  const where = `${serving.url}, for whoever has the token in ${token.file}`
  const { promise: ended } = Promise.withResolvers<void>()
  return { where, ended, close: serving.close }
}

/** The first signal ends it in order; the second at once. */
function untilAskedToStop(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false
    const stop = (): void => {
      if (asked) process.exit(exitCodes.failed)
      asked = true
      resolve()
    }
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop)
  })
}

/**
 * Standard output belongs to the protocol: whatever else is written ends up on standard error. That
 * nobody reads it any more is no reason to end at once, in the middle of a payment.
 */
function keepOutputForProtocol(): void {
  globalThis.console = new Console(process.stderr, process.stderr)
  process.stdout.removeAllListeners('error')
  process.stderr.removeAllListeners('error')
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
}

function log(line: string): void {
  process.stderr.write(`${new Date().toISOString()} satway mcp: ${shortLine(line, maxLine)}\n`)
}

/** Its text may hold what a client sent. */
function logFault(error: Error): void {
  log(`a message could not be handled (${error.name})`)
}

function readVersion(): string {
  const text = readFileSync(join(packageFolder, 'package.json'), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
