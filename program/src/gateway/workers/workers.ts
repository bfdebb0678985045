import type { Payee } from 'satway/lightning'

/**
 * What a worker needs of the primary. In one process it is a direct call, between processes a
 * message over the IPC channel of `node:cluster`.
 */
export type PrimaryLink = {
  /** The primary's wallet, as a payee. Rejects with NODE_UNAVAILABLE like any other. */
  readonly payee: Payee
  /** `worker-1`; `primary` where the primary is its own worker. For metrics and logs. */
  readonly name: string
  /** Names this process in the reservations of the state. No other process ever had it. */
  readonly owner: string
  /** The text of the configuration to start with. */
  readonly config: string
  /**
   * Whether to listen with `reusePort`: the kernel deals out connections among the workers. Without
   * it they share one socket, which works as well, but less evenly.
   */
  readonly reusePort: boolean
  /** Tells that this worker serves. Until then the primary's start waits. */
  ready(): void
  /**
   * Called with the text of every new configuration; resolves when it is in force. Rejects when it
   * cannot be, and then nothing has changed.
   */
  onReload(apply: (configText: string) => Promise<void>): void
  /** Called when log files were moved away. */
  onReopen(reopen: () => void): void
  /**
   * Called once: stop accepting, finish what is open, write what waits, then resolve. A worker's
   * process ends then, with exit code 0.
   */
  onDrain(drain: () => Promise<void>): void
  /** Answers what the primary collects from its workers, such as metrics. */
  onCollect(collect: () => string): void
}
