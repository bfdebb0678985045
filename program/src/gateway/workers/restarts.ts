/** A worker that lived shorter than this died quickly. */
const quickMs = 10_000
const firstDelayMs = 100
const longestDelayMs = 30_000
/** Quick deaths in a row that are too many when nobody serves any more. */
const tooMany = 5

/** How often one worker's place had to be filled again. */
export type Restarts = {
  /** Tells of a death. @returns how long to wait before the next start, in milliseconds. */
  died(livedMs: number): number
  /** Whether it dies as soon as it is started, again and again. */
  isHopeless(): boolean
}

/**
 * The first restart is soon; each that follows a quick death waits twice as long, up to 30 s. A
 * worker that lived 10 s makes all forgotten.
 */
export function countRestarts(): Restarts {
  let quick = 0
  return {
    died: (livedMs) => {
      quick = livedMs < quickMs ? quick + 1 : 0
      return Math.min(longestDelayMs, firstDelayMs * 2 ** Math.max(0, quick - 1))
    },
    isHopeless: () => quick >= tooMany,
  }
}
