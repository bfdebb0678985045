import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import type { ToolRun } from './run-tool.ts'
import { findTool, runTool, toolFolders } from './run-tool.ts'
import type { KeyKind } from './seal-record.ts'

/** What a keychain said about a key. `locked`: it did not answer, or would not. */
export type FoundKey =
  | { readonly status: 'found'; readonly key: Uint8Array }
  | { readonly status: 'missing' }
  | { readonly status: 'locked' }

/** A system's own store of secrets, through the system's own tool. */
export type Keychain = {
  readonly kind: KeyKind
  /** @returns What finds the key again and is no secret; `undefined`: it cannot be kept here. */
  store(key: Uint8Array): Promise<string | undefined>
  load(reference: string): Promise<FoundKey>
  /** Best effort: what stays behind opens nothing. */
  forget(reference: string): Promise<void>
}

export type KeychainOptions = {
  /** Default: this system's. */
  readonly platform?: NodeJS.Platform
  /** Default: this process's. */
  readonly environment?: NodeJS.ProcessEnv
  /** Where tools are looked for. Default: where systems have them. */
  readonly folders?: readonly string[]
  /** How long a tool may take. Default 5000. */
  readonly timeoutMs?: number
}

const service = 'satway'
const label = 'Satway journal'
const patienceMs = 5000

type Tool = (args: readonly string[], input?: string) => Promise<ToolRun>

/** @returns `undefined` where there is none, which is normal: on servers, in containers. */
export function createKeychain(options: KeychainOptions = {}): Keychain | undefined {
  const { platform = process.platform, environment = process.env } = options
  const { folders = toolFolders, timeoutMs = patienceMs } = options
  const tool = (command: string | undefined): Tool | undefined =>
    command === undefined
      ? undefined
      : (args, input = '') => runTool({ command, args, input, environment, timeoutMs })

  if (platform === 'darwin') return macKeychain(tool(findTool('security', folders)))
  if (platform === 'win32') return windowsKeychain(tool(powershellOf(environment)))
  if (!hasSessionBus(environment)) return undefined
  return secretService(tool(findTool('secret-tool', folders)))
}

/**
 * The login keychain of macOS. `security -i` reads its commands from its input: the key is on no
 * command line, where every process could read it. Exit 44 says that there is no such entry; any
 * other, that the keychain is locked or may not be asked from here.
 */
function macKeychain(tool: Tool | undefined): Keychain | undefined {
  if (tool === undefined) return undefined
  const entry = (account: string): string[] => ['-s', service, '-a', account]
  return {
    kind: 'security',
    async store(key) {
      const account = newReference()
      const command = ['add-generic-password', ...entry(account), '-l', `"${label}"`]
      const run = await tool(['-i'], `${command.join(' ')} -w ${encodeKey(key)}\n`)
      // What its exit says depends on the version. The round trip tells.
      return run.status === 'ended' ? account : undefined
    },
    async load(account) {
      if (!isReference(account)) return { status: 'missing' }
      const run = await tool(['find-generic-password', ...entry(account), '-w'])
      if (run.status === 'ended' && run.code === 44) return { status: 'missing' }
      return keyOf(run)
    },
    async forget(account) {
      await tool(['delete-generic-password', ...entry(account)])
    },
  }
}

/**
 * The Secret Service of a Linux desktop. `secret-tool lookup` ends with 1 both when there is no such
 * entry and when it cannot ask; only in the second case it says something.
 */
function secretService(tool: Tool | undefined): Keychain | undefined {
  if (tool === undefined) return undefined
  const entry = (journal: string): string[] => ['service', service, 'journal', journal]
  return {
    kind: 'secret-tool',
    async store(key) {
      const journal = newReference()
      const run = await tool(['store', `--label=${label}`, ...entry(journal)], encodeKey(key))
      return run.status === 'ended' && run.code === 0 ? journal : undefined
    },
    async load(journal) {
      if (!isReference(journal)) return { status: 'missing' }
      const run = await tool(['lookup', ...entry(journal)])
      const isSilent = run.status === 'ended' && run.error === '' && run.output === ''
      if (isSilent && run.code === 1) return { status: 'missing' }
      return keyOf(run)
    },
    async forget(journal) {
      await tool(['clear', ...entry(journal)])
    },
  }
}

/**
 * The Data Protection API of Windows, which encrypts for the user who is logged in and keeps
 * nothing: what it gives is the reference.
 */
function windowsKeychain(tool: Tool | undefined): Keychain | undefined {
  if (tool === undefined) return undefined
  const call = (method: 'Protect' | 'Unprotect', input: string): Promise<ToolRun> =>
    tool(['-NoProfile', '-NonInteractive', '-Command', dataProtection(method)], `${input}\n`)
  return {
    kind: 'dpapi',
    async store(key) {
      const run = await call('Protect', encodeKey(key))
      if (run.status !== 'ended' || run.code !== 0) return undefined
      const reference = run.output.trim()
      return isBase64(reference) ? reference : undefined
    },
    async load(reference) {
      return isBase64(reference) ? keyOf(await call('Unprotect', reference)) : { status: 'missing' }
    },
    async forget() {},
  }
}

function dataProtection(method: 'Protect' | 'Unprotect'): string {
  return [
    "$ErrorActionPreference = 'Stop'",
    'Add-Type -AssemblyName System.Security',
    '$given = [Convert]::FromBase64String([Console]::In.ReadLine())',
    `$made = [Security.Cryptography.ProtectedData]::${method}($given, $null, 'CurrentUser')`,
    '[Console]::Out.Write([Convert]::ToBase64String($made))',
  ].join('; ')
}

function keyOf(run: ToolRun): FoundKey {
  if (run.status !== 'ended' || run.code !== 0) return { status: 'locked' }
  const text = run.output.trim()
  const key = Buffer.from(text, 'base64')
  // An entry of ours that holds something else was overwritten: the key is not there any more.
  if (key.length !== 32 || key.toString('base64') !== text) return { status: 'missing' }
  return { status: 'found', key: new Uint8Array(key) }
}

function encodeKey(key: Uint8Array): string {
  return Buffer.from(key).toString('base64')
}

function newReference(): string {
  return randomBytes(16).toString('hex')
}

/** It comes out of the journal's file, and goes on a command line: nothing else may. */
function isReference(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text)
}

function isBase64(text: string): boolean {
  return text.length <= 4096 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)
}

/** Without one, the tool would try to start one, or wait. */
function hasSessionBus(environment: NodeJS.ProcessEnv): boolean {
  if ((environment['DBUS_SESSION_BUS_ADDRESS'] ?? '') !== '') return true
  const folder = environment['XDG_RUNTIME_DIR'] ?? ''
  if (folder === '') return false
  return statSync(`${folder}/bus`, { throwIfNoEntry: false })?.isSocket() ?? false
}

/** Where Windows has it: looking along the path would begin in the working directory. */
function powershellOf(environment: NodeJS.ProcessEnv): string | undefined {
  const root = environment['SystemRoot'] ?? ''
  if (!isAbsolute(root)) return undefined
  return join(root, 'System32', 'WindowsPowerShell', 'v1.0', 'powershell.exe')
}
