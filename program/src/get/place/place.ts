/** What a place made of an answer. */
export type Ending =
  /** Nothing was written, or not all of it. */
  | 'open'
  | 'complete'
  /** What is there is the beginning of something else: ask again, for all of it. */
  | 'start-over'

/** Where a body goes. Opened before anything is paid: what costs money must have somewhere to go. */
export type Place = {
  /** The file that it was or will be written to; `null`: standard output. */
  path(): string | null
  /** What the request must say so that the answer fits: `Range` for the rest of a file. */
  headers(): Readonly<Record<string, string>>
  /** Whether an answer is for this place. The others are shown. */
  takes(response: Response): boolean
  /** Takes the body as it arrives. */
  write(response: Response): Promise<void>
  ending(): Ending
  /** The file that holds what has arrived of a body that broke off, if `--continue` can go on with it. */
  kept(): string | undefined
  /** Leaves things as they were, if nothing was written. */
  abandon(): Promise<void>
}

/** A place that keeps nothing and needs nothing. */
export function simplePlace(path: string | null, write: Place['write']): Place {
  let ending: Ending = 'open'
  return {
    path: () => path,
    headers: () => ({}),
    takes: (response) => response.ok,
    write: async (response) => {
      await write(response)
      ending = 'complete'
    },
    ending: () => ending,
    kept: () => undefined,
    abandon: async () => undefined,
  }
}
