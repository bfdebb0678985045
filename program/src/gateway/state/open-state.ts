import type { DatabaseSync } from 'node:sqlite'
import { Allowances } from './allowances.ts'
import { FileDenyList } from './deny-list.ts'
import { DiskFlush } from './disk-flush.ts'
import { ElapsedClock } from './elapsed-clock.ts'
import { Ledger } from './ledger.ts'
import { connect, openFile } from './open-file.ts'
import { OpenSales } from './open-sales.ts'
import { realFile } from './real-file.ts'
import { Sessions } from './sessions.ts'
import type { State, StateOptions } from './state.ts'
import { StateFileError } from './state-file-error.ts'
import { StoredServices } from './stored-services.ts'
import { Sweeper } from './sweeper.ts'
import { findTransaction, readStats, readTransactions } from './transactions.ts'
import { FileUseStore } from './use-store.ts'
import { WriteQueue } from './write-queue.ts'

const secondsBetweenSweeps = 60

const defaults = {
  // With fractions: a rate of ten a second cannot be kept with whole seconds.
  now: () => Date.now() / 1000,
  elapsed: () => performance.now() / 1000,
  onFailure: () => undefined,
} as const

/**
 * Opens the state file, and makes it where there is none. Several processes may have it open, each
 * under an owner of its own; whoever is the gateway's primary holds `lockState` for its life, and
 * calls `releaseAbandoned` before it serves.
 *
 * @throws {StateFileError} when the file is not ours, damaged, without its log, of a newer version,
 *   or cannot be written.
 * @spec gateway.md R-STATE-1 to R-STATE-35
 */
export function openState(options: StateOptions): State {
  const { owner } = options
  const file = realFile(options.file)
  if (owner.length < 1 || owner.length > 256) throw new TypeError('owner: expected a name')
  const desk = openFile(file)
  let hot: DatabaseSync | undefined
  try {
    // Two connections: one asks for the lock and goes on, the other waits for it.
    hot = connect(file, 0)
    return assemble(desk, hot, { ...defaults, ...options, file })
  } catch (error) {
    hot?.close()
    desk.close()
    if (error instanceof StateFileError) throw error
    const reason = error instanceof Error ? error.message : 'unknown'
    throw new StateFileError(file, `cannot be used: ${reason}.`, error)
  }
}

function assemble(desk: DatabaseSync, hot: DatabaseSync, options: Required<StateOptions>): State {
  const { file, owner, now, onFailure } = options
  const sessions = new Sessions(desk, owner)
  const elapsed = new ElapsedClock(hot, options.elapsed)
  const queue = new WriteQueue(hot)
  const { firstReservation } = sessions
  const uses = new FileUseStore({ database: hot, queue, file, now, elapsed, firstReservation })
  const denyList = new FileDenyList(desk, now)
  const sales = new OpenSales(hot, queue, now)
  const ledger = new Ledger(hot, queue, sales, now, onFailure)
  const allowances = new Allowances(desk, now)
  const sweeper = new Sweeper(hot, queue, now, elapsed, () => sales.sweep())
  const services = new StoredServices(desk, file, now)
  const flush = new DiskFlush(file)

  let seconds = 0
  const everySecond = (): void => {
    seconds++
    try {
      denyList.look()
    } catch (error) {
      onFailure(error)
    }
    flush.flush()
    void ledger.flush().catch(onFailure)
    void sales.flush().catch(onFailure)
    void uses.settleOwed().catch(onFailure)
    if (seconds % secondsBetweenSweeps === 0) void sweeper.sweep().catch(onFailure)
  }
  const timer = setInterval(everySecond, 1000)
  timer.unref()

  const close = (): void => {
    if (!desk.isOpen) return
    clearInterval(timer)
    void uses.settleOwed().catch(onFailure)
    void ledger.flush().catch(onFailure)
    void sales.flush().catch(onFailure)
    try {
      queue.close()
      sessions.close()
    } finally {
      flush.close()
      hot.close()
      desk.close()
    }
  }

  return {
    uses,
    denyList,
    noteSettlement: (settlement) => ledger.noteSettlement(settlement),
    noteToken: (token) => ledger.noteToken(token),
    noteSale: (sale) => sales.note(sale),
    openSales: (untilAfterSeconds) => sales.list(untilAfterSeconds),
    unreportedPayments: () => sales.unreported(),
    forgetSale: (paymentHash) => {
      sales.forgetWaiting(paymentHash)
      void queue.add(() => sales.delete(paymentHash)).catch(onFailure)
    },
    takeFree: (key, requests, windowSeconds) => allowances.takeFree(key, requests, windowSeconds),
    takeRate: (key, rate) => allowances.takeRate(key, rate),
    deny: (id, reason) => denyList.deny(id, reason),
    allow: (id) => denyList.allow(id),
    denials: () => denyList.denials(),
    transactions: (filter) => readTransactions(desk, filter, now()),
    transaction: (id) => findTransaction(desk, id),
    stats: (range) => readStats(desk, range),
    services: () => services.list(),
    putService: (name, document) => services.put(name, document),
    forgetService: (name) => services.forget(name),
    probe: () => {
      const row = desk
        .prepare('UPDATE marks SET probed_at = ? RETURNING probed_at AS at')
        .get(Math.floor(now()))
      if (row === undefined) throw new StateFileError(file, 'is damaged: its marks are missing.')
    },
    releaseOf: (other) => sessions.releaseOf(other),
    releaseAbandoned: (liveOwners) => sessions.releaseAbandoned(liveOwners),
    close,
  }
}
