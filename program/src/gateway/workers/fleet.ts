/** What the primary steers: its workers, or itself where it has none. */
export type Fleet = {
  /**
   * Puts a configuration in force that was validated before. One worker tries it first; when it
   * refuses, nothing has changed anywhere. A worker that refuses after that is replaced.
   *
   * @throws {Error} when the first worker could not apply it.
   */
  reload(configText: string): Promise<void>
  /** Has the log files opened anew. */
  reopen(): void
  /**
   * Stops accepting and finishes what is open. Resolves when all is over: at the latest a few
   * seconds after `drainMs`, when what remains is cut.
   */
  drain(drainMs: number): Promise<void>
  /** Ends all at once. */
  stop(): Promise<void>
  /**
   * What each worker answers, within a second. For one that does not answer: what it said last. What
   * dead workers said last is kept, so that no counter goes back.
   */
  collect(): Promise<readonly string[]>
  status(): FleetStatus
}

export type FleetStatus = {
  readonly wanted: number
  readonly ready: number
  /** Workers that died and were replaced, since the start. */
  readonly restarts: number
}
