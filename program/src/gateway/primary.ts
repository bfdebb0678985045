import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isL402Error } from 'satway'
import type { Admin, Control } from '../admin/index.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import { openScreen } from '../cli/screen.ts'
import { packageFolder } from '../package-folder.ts'
import { logStart, renderStart } from './announcement.ts'
import type { ConfigReading, GatewayConfig, ServiceDocument } from './config/index.ts'
import { ConfigBook } from './config-book.ts'
import { createControl } from './control.ts'
import { startFleet } from './fleet.ts'
import { sayMistake } from './mistakes.ts'
import type { Log } from './operations/index.ts'
import { createLog } from './operations/index.ts'
import type { Settings } from './settings.ts'
import type { Packet } from './source.ts'
import { readPacket } from './source.ts'
import type { State } from './state/index.ts'
import { lockState, openState, StateFileError } from './state/index.ts'
import type { OpenWallet } from './wallet/index.ts'
import { invoiceLimitsOf, openWallet, WalletRefusal } from './wallet/index.ts'
import type { Fleet } from './workers/index.ts'
import { followSignals } from './workers/index.ts'

const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as {
  readonly version: string
}

/**
 * Runs a gateway until a signal ends it.
 *
 * @returns the exit code.
 * @throws {Failure} when it cannot start, with what to do about it.
 */
export async function runPrimary(settings: Settings): Promise<number> {
  const forPeople = process.stdout.isTTY === true && !settings.json
  const log = createLog(process.stderr, forPeople ? 'text' : 'json')
  const fromFile: Packet = {
    text: settings.source.read(),
    file: settings.source.file,
    stored: [],
    dryRun: settings.dryRun,
    workers: settings.workers,
    forPeople,
  }
  const { config: wanted } = await readOrFail(fromFile, settings)
  const lock = orFail(() => lockState(wanted.state))
  const state = openStateOf(wanted, log)
  let wallet: OpenWallet | undefined
  try {
    const stored = storedServices(state)
    wallet = await openWalletOf((await readOrFail({ ...fromFile, stored }, settings)).config)
    const packet = { ...fromFile, stored, limits: invoiceLimitsOf(wallet) }
    const { config, documents } = await readOrFail(packet, settings)
    const toKnow = await beginOrFail(wallet, log)
    return await serveUntilStopped({
      settings,
      forPeople,
      log,
      packet,
      config,
      documents,
      state,
      wallet,
      toKnow,
    })
  } catch (error) {
    throw explainListen(error)
  } finally {
    await wallet?.close()
    state.close()
    lock.release()
  }
}

type Opened = {
  readonly settings: Settings
  readonly forPeople: boolean
  readonly log: Log
  readonly packet: Packet
  readonly config: GatewayConfig
  readonly documents: readonly ServiceDocument[]
  readonly state: State
  readonly wallet: OpenWallet
  /** What the wallet wants its operator to know. */
  readonly toKnow: readonly string[]
}

async function serveUntilStopped(opened: Opened): Promise<number> {
  const { settings, forPeople, log, packet, config, documents, state, wallet, toKnow } = opened

  // Nothing changes the configuration before there is something to change it in.
  let apply: (text: string) => Promise<void> = () => Promise.resolve()
  const readText = (): string => settings.source.read()
  const book = new ConfigBook(
    { packet, config, documents },
    { readText, state, apply: (text) => apply(text) },
  )
  const { fleet, addresses, gaveUp } = await startFleet({
    workers: settings.workers,
    packet: JSON.stringify(packet),
    config: () => book.config,
    state,
    wallet,
    log,
  })
  apply = (text) => fleet.reload(text)
  const parts = { settings, book, state, wallet, fleet, log }
  const control = createControl({ ...parts, version, configFile: fileOf(settings) })
  const admin = await openAdminOf(control, parts)

  const announcement = { config, addresses, wallet, admin: admin?.address, ...settings }
  if (forPeople) process.stdout.write(renderStart(openScreen(process.stdout), announcement))
  else logStart(log, announcement)
  for (const warning of toKnow) log.warn(warning)
  void warnOfHealth(control, log)
  const code = await untilStopped({ fleet, gaveUp, book, log })
  await admin?.close()
  return code
}

/** What `listen` throws, as a sentence. */
function explainListen(error: unknown): unknown {
  const { code, address, port } = error as NodeJS.ErrnoException & {
    readonly address?: string
    readonly port?: number
  }
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program listens there',
    EACCES: 'that needs more rights',
    EADDRNOTAVAIL: 'this machine has no such address',
  }
  const reason = code === undefined ? undefined : reasons[code]
  if (reason === undefined) return error
  return new Failure(`Cannot listen on ${address}:${port}: ${reason}.`, {
    advice: 'Choose another address: listen in the configuration, or --listen.',
  })
}

/** @throws {Failure} with every mistake. */
async function readOrFail(
  packet: Packet,
  { source }: Settings,
): Promise<Extract<ConfigReading, { config: unknown }>> {
  const reading = await readPacket(packet)
  if ('config' in reading) return reading
  const { mistakes } = reading
  if (!source.isFile) {
    // There is no file to point into, and one flag may be wrong in two places.
    const messages = new Set(mistakes.map(({ path, message }) => `${flagOf(path)}: ${message}`))
    throw new Failure([...messages].join('\n'), { advice: 'Nothing was started.' })
  }
  const count = mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`
  throw new Failure(
    [`${packet.file} has ${count}:`, ...mistakes.map((mistake) => `  ${sayMistake(mistake)}`)].join(
      '\n',
    ),
    { advice: 'Nothing was started.' },
  )
}

/** The flag that a place in the configuration comes from. */
function flagOf(path: string): string {
  if (path.startsWith('listen')) return '--listen'
  if (path.startsWith('admin')) return '--admin'
  if (path.startsWith('wallet')) return '--wallet'
  return path.includes('routes') ? '--price' : '--upstream'
}

function openStateOf({ state: file }: GatewayConfig, log: Log): State {
  return orFail(() => {
    const onFailure = (error: unknown): void => log.failure('use-store', undefined, error)
    const state = openState({ file, owner: `primary-${randomUUID()}`, onFailure })
    // This process has the lock: whoever reserved something before is gone.
    state.releaseAbandoned([])
    return state
  })
}

function storedServices(state: State): Packet['stored'] {
  return state.services().map(({ name, document }) => ({
    name,
    document: JSON.parse(document) as unknown,
  }))
}

async function openWalletOf({ wallet }: GatewayConfig): Promise<OpenWallet> {
  try {
    return await openWallet(wallet)
  } catch (error) {
    if (!isL402Error(error, 'CONFIG_INVALID')) throw error
    if (wallet.kind === 'uri') {
      const reason = String(error.details['reason'] ?? 'it cannot be opened')
      throw new Failure(`The wallet cannot be used: ${reason}.`, {
        advice: 'Nothing was started. Wallets and their URIs are in docs/wallets.md.',
      })
    }
    throw new Failure('NODE_ENV is "production", and there the embedded network does not start.', {
      advice:
        'Its coins are made up. Use a real wallet, or say wallet: { devnet: { force: true } }.',
    })
  }
}

/** @throws {Failure} for a wallet that is not to be used. */
async function beginOrFail(wallet: OpenWallet, log: Log): Promise<readonly string[]> {
  try {
    return await wallet.begin(log)
  } catch (error) {
    if (!(error instanceof WalletRefusal)) throw error
    throw new Failure(`The wallet is not used: ${error.message}.`, { advice: error.advice })
  }
}

type Parts = {
  readonly settings: Settings
  readonly book: ConfigBook
  readonly state: State
  readonly wallet: OpenWallet
  readonly fleet: Fleet
  readonly log: Log
}

/** Without the admin API nothing could be steered: when it cannot be opened, nothing goes on. */
async function openAdminOf(
  control: Control,
  { book, fleet, log }: Parts,
): Promise<Admin | undefined> {
  const { admin: config } = book.config
  if (config === undefined) return undefined
  const { openAdmin } = await import('../admin/index.ts')
  try {
    return await openAdmin({
      config,
      control,
      log: (change) => log.change(change),
      onFault: (words) => log.error(`the admin API failed: ${words}`),
    })
  } catch (error) {
    await fleet.drain(0)
    throw error
  }
}

/** A gateway whose upstream is not there sells all the same: its operator should hear of it at once. */
async function warnOfHealth(control: Control, log: Log): Promise<void> {
  const { checks } = await control.health()
  for (const { name, ok, detail } of checks) {
    // The wallet has said so itself.
    if (!ok && name !== 'wallet') log.warn(`${name} is not well: ${detail}`)
  }
}

function fileOf({ source }: Settings): string | undefined {
  return source.isFile ? source.file : undefined
}

/** @returns the exit code. */
function untilStopped(options: {
  readonly fleet: Fleet
  readonly gaveUp: Promise<Error>
  readonly book: ConfigBook
  readonly log: Log
}): Promise<number> {
  const { fleet, gaveUp, book, log } = options
  return new Promise((resolve) => {
    const unfollow = followSignals({
      reload: () => {
        fleet.reopen()
        void reload(book, log)
      },
      drain: () => {
        log.info('stopping: finishing what is open')
        void fleet.drain(book.config.drainMs).then(() => end(exitCodes.ok))
      },
      stop: () => {
        void fleet.stop().then(() => process.exit(exitCodes.ok))
      },
    })
    void gaveUp.then(async (reason) => {
      log.error(reason.message)
      await fleet.stop()
      end(exitCodes.failed)
    })
    const end = (code: number): void => {
      unfollow()
      resolve(code)
    }
  })
}

async function reload(book: ConfigBook, log: Log): Promise<void> {
  try {
    const { needsRestart } = await book.reload()
    log.info('reloaded')
    if (needsRestart.length > 0) {
      log.warn(`changed, but not in force before a restart: ${needsRestart.join(', ')}`)
    }
  } catch (error) {
    const mistakes = error instanceof Error && 'mistakes' in error ? error.mistakes : []
    log.error(`not reloaded: ${error instanceof Error ? error.message : String(error)}`)
    for (const mistake of Array.isArray(mistakes) ? mistakes : []) log.error(String(mistake))
  }
}

/** @throws {Failure} instead of what a state file that cannot be used throws. */
function orFail<T>(open: () => T): T {
  try {
    return open()
  } catch (error) {
    if (error instanceof StateFileError) throw new Failure(error.message)
    throw error
  }
}
