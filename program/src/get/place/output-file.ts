import type { Stats } from 'node:fs'
import { constants, createWriteStream } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { open, realpath, stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { Failure, UsageMistake } from '../../cli/failure.ts'
import { readContentRange } from './content-range.ts'
import { asDiskError } from './disk.ts'
import type { Draft } from './draft.ts'
import { claimDraft, createDraft, giveName, keepDraft, removeDraft, writeState } from './draft.ts'
import type { PartState } from './part-state.ts'
import { digestUrl, isSame, validatorOf } from './part-state.ts'
import type { Ending, Place } from './place.ts'
import { simplePlace } from './place.ts'
import type { Progress } from './progress.ts'

const noLink = constants.O_NOFOLLOW ?? 0
const anew = constants.O_WRONLY | constants.O_TRUNC | noLink
const goOn = constants.O_RDWR | noLink

export type OutputFileOptions = {
  readonly path: string
  readonly url: URL
  /** Whether what an earlier run left is gone on with. */
  readonly continues: boolean
  readonly progress: Progress
}

/**
 * A file that gets its name when it is complete.
 *
 * @throws {Failure} when it cannot be written.
 * @throws {UsageMistake} when what is there cannot be continued.
 */
export async function outputFile(options: OutputFileOptions): Promise<Place> {
  const { path, url, continues } = options
  if (path === '') throw new UsageMistake('--output: the name is empty')
  const there = await look(path)
  if (there?.isDirectory() === true) {
    throw new Failure(`--output: ${path} is a folder.`, {
      advice: 'Name a file in it. Nothing was sent.',
    })
  }
  if (there !== undefined && !there.isFile()) {
    if (continues) throw new UsageMistake('--continue goes on with files, and with nothing else')
    return device(path)
  }
  // As with `curl -o`, a link stays one, and what it leads to is replaced.
  const target = there === undefined ? path : await realpath(path)
  const claimed = continues ? await claimDraft(target, digestUrl(url)) : undefined
  return new OutputFile(options, claimed ?? (await createDraft(target)), there?.mode)
}

/** Guards what becomes of a draft: named, kept, put back or removed, exactly one of these. */
class OutputFile implements Place {
  readonly #options: OutputFileOptions
  readonly #draft: Draft
  readonly #mode: number | undefined
  /** What the request asks to go on with; `undefined`: all of it is asked for. */
  #rest: { readonly offset: number; readonly state: PartState } | undefined
  #ending: Ending = 'open'
  #kept: string | undefined
  #touched = false

  constructor(options: OutputFileOptions, draft: Draft, mode: number | undefined) {
    this.#options = options
    this.#draft = draft
    this.#mode = mode
    const { offset, state } = draft
    this.#rest = state === undefined ? undefined : { offset, state }
  }

  path(): string {
    return this.#options.path
  }

  headers(): Readonly<Record<string, string>> {
    if (!this.#options.continues) return {}
    // Offsets count what is stored there, not what it is packed into for the way.
    const plain = { 'accept-encoding': 'identity' }
    if (this.#rest === undefined) return plain
    const { offset, state } = this.#rest
    return { ...plain, range: `bytes=${offset}-`, 'if-range': state.validator }
  }

  takes({ ok, status }: Response): boolean {
    return ok || (status === 416 && this.#rest !== undefined)
  }

  ending(): Ending {
    return this.#ending
  }

  kept(): string | undefined {
    return this.#kept
  }

  async write(response: Response): Promise<void> {
    const rest = this.#rest
    if (rest === undefined || response.status === 200) return this.#take(response, 0, undefined)
    const size = response.status === 206 ? sizeOfRest(response, rest) : 'other'
    if (size !== 'other') return this.#take(response, rest.offset, { ...rest.state, size })

    await response.body?.cancel()
    const range = readContentRange(response.headers.get('content-range'))
    if (response.status === 416 && range?.kind === 'unsatisfied' && range.total === rest.offset) {
      return this.#complete()
    }
    this.#rest = undefined
    this.#ending = 'start-over'
  }

  async abandon(): Promise<void> {
    if (this.#ending === 'complete' || this.#kept !== undefined) return
    const { state } = this.#draft
    if (state === undefined || this.#touched) await removeDraft(this.#draft)
    else await keepDraft(this.#draft, state)
  }

  /** @param known - Of what is there already; `undefined` when all of it comes. */
  async #take(response: Response, offset: number, known: PartState | undefined): Promise<void> {
    const { continues } = this.#options
    const state = known ?? stateFrom(response, this.#options.url)
    this.#touched = true
    const written = { bytes: 0 }
    try {
      if (continues && state !== undefined) await writeState(this.#draft.path, state)
      await this.#stream(response, offset, written)
      const missing = state?.size != null && offset + written.bytes < state.size
      if (missing) throw new Error('the server sent less than it had announced')
    } catch (error) {
      if (state !== undefined && offset + written.bytes > 0) {
        this.#kept = await keepDraft(this.#draft, state).catch(() => undefined)
      }
      throw asDiskError(error, this.#options.path)
    }
    await this.#complete()
  }

  /** Waits for the disk with each piece, so that what is counted is there. */
  async #stream(response: Response, offset: number, written: { bytes: number }): Promise<void> {
    const { progress } = this.#options
    const file = await open(this.#draft.path, offset === 0 ? anew : goOn)
    progress.begin(totalOf(response, offset), offset)
    try {
      for await (const chunk of response.body ?? []) {
        await writeWhole(file, chunk, offset + written.bytes)
        written.bytes += chunk.length
        progress.add(chunk.length)
      }
    } finally {
      progress.end()
      await file.close()
    }
  }

  async #complete(): Promise<void> {
    await giveName(this.#draft, this.#mode, this.#options.continues).catch((error) => {
      throw asDiskError(error, this.#options.path)
    })
    this.#ending = 'complete'
  }
}

async function writeWhole(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

/** How long the whole is, when an answer is exactly the rest that was asked for; or `other`. */
function sizeOfRest(
  { headers }: Response,
  { offset, state }: { readonly offset: number; readonly state: PartState },
): number | null | 'other' {
  const range = readContentRange(headers.get('content-range'))
  if (range?.kind !== 'part' || range.first !== offset) return 'other'
  if (isEncoded(headers) || !isSame(state.validator, headers)) return 'other'
  const { total = null } = range
  if (total === null || state.size === null) return total ?? state.size
  return total === state.size ? total : 'other'
}

/** What is needed to go on with this answer, if it breaks off. `undefined`: that cannot be done. */
function stateFrom({ status, headers }: Response, url: URL): PartState | undefined {
  const validator = validatorOf(headers)
  if (status !== 200 || validator === undefined || isEncoded(headers)) return undefined
  return { version: 1, url: digestUrl(url), validator, size: lengthOf(headers) ?? null }
}

function totalOf({ headers }: Response, offset: number): number | undefined {
  const length = isEncoded(headers) ? undefined : lengthOf(headers)
  return length === undefined ? undefined : offset + length
}

function lengthOf(headers: Headers): number | undefined {
  const text = headers.get('content-length') ?? ''
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

function isEncoded(headers: Headers): boolean {
  return (headers.get('content-encoding') ?? 'identity').toLowerCase() !== 'identity'
}

/** `undefined`: there is nothing, or nothing that may be looked at. */
async function look(path: string): Promise<Stats | undefined> {
  return await stat(path).catch(() => undefined)
}

/** Written as it stands: to put a file in the place of `/dev/null` would break the machine. */
function device(path: string): Place {
  return simplePlace(path, async (response) => {
    if (response.body === null) return
    const body = Readable.fromWeb(response.body as ReadableStream)
    await pipeline(body, createWriteStream(path)).catch((error: unknown) => {
      throw asDiskError(error, path)
    })
  })
}
