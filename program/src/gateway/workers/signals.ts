/** What the operator's signals ask for. */
export type SignalActions = {
  /** SIGHUP. */
  readonly reload: () => void
  /** The first SIGTERM or SIGINT. */
  readonly drain: () => void
  /** The second. */
  readonly stop: () => void
}

/**
 * Follows the signals of the operator, or of a supervisor such as systemd.
 *
 * @returns Leaves them to the system again.
 * @spec gateway.md R-WRK-5, R-WRK-6
 */
export function followSignals(actions: SignalActions): () => void {
  let isDraining = false
  const onHangUp = (): void => {
    if (!isDraining) actions.reload()
  }
  const onTerminate = (): void => {
    const act = isDraining ? actions.stop : actions.drain
    isDraining = true
    act()
  }
  process.on('SIGHUP', onHangUp)
  process.on('SIGINT', onTerminate)
  process.on('SIGTERM', onTerminate)
  return () => {
    process.off('SIGHUP', onHangUp)
    process.off('SIGINT', onTerminate)
    process.off('SIGTERM', onTerminate)
  }
}
