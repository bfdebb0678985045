import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { mkdir, open, realpath, rename, rm } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { BodyTooLong } from '../agent/index.ts'
import { Failure } from '../cli/failure.ts'
import type { RoomLimits } from './download-room.ts'
import { requireRoom } from './download-room.ts'

/** Where the body of one answer is saved. Opened before anything is paid. */
export type Download = {
  /** Takes the body as it arrives, and gives the file its name when it is complete. */
  write(response: Response): Promise<void>
  /** Where it is; `null` until it is complete. */
  savedAs(): string | null
  /** Leaves nothing behind, unless it is complete. */
  close(): Promise<void>
}

export type DownloadOptions = {
  /** The only folder that is written to. Made with mode 0700 when it is not there. */
  readonly folder: string
  /** What {@link readFileName} gave. */
  readonly name: string
  /** Default 1 GiB. */
  readonly maxBytes?: number
  /** Default 2 GiB in the folder, and 1 GiB free. */
  readonly room?: Partial<RoomLimits>
  /** Told how much has arrived, and how much there will be where the server says so. */
  readonly onBytes?: (bytes: number, total: number | undefined) => void
}

const gibibyte = 1024 ** 3
/** How much is written before it is looked again whether there is room. */
const stepBytes = 16 * 1024 ** 2
const maxNameCharacters = 100
/** Most file systems allow 255; a number and the ending of a draft come on top. */
const maxNameBytes = 200
const maxNumber = 9999
const newFile =
  constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0)

/**
 * Reads the name of a file to save to: one plain name, which means the same on every system.
 *
 * @throws {Failure} for anything else.
 * @spec mcp.md R-MCP-20
 */
export function readFileName(text: string): string {
  const name = text.normalize('NFC')
  const isPlain = /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_ .()+,=@~-]*$/u.test(name) && !/[. ]$/.test(name)
  const isDevice =
    /^(?:con|prn|aux|nul|(?:com|lpt)[\d\u00b9\u00b2\u00b3]|conin\$|conout\$)(?:\.|$)/i
  const fits = [...name].length <= maxNameCharacters && Buffer.byteLength(name) <= maxNameBytes
  if (isPlain && fits && !isDevice.test(name)) return name
  throw new Failure('saveAs is not one plain file name.', {
    advice: `Letters, digits, dots and dashes, at most ${maxNameCharacters}, without a path: report.pdf`,
  })
}

/**
 * Opens a draft in the download folder. Nothing is overwritten: where there is a file of the name
 * already, `-1`, `-2` and so on is put before its ending. No symbolic link is followed.
 *
 * @throws {Failure} when the folder cannot be written to, or is full.
 * @spec mcp.md R-MCP-21 to R-MCP-23
 */
export async function openDownload(options: DownloadOptions): Promise<Download> {
  const { name, maxBytes = gibibyte, onBytes } = options
  const folder = await openFolder(options.folder)
  const room = { maxFolderBytes: 2 * gibibyte, minFreeBytes: gibibyte, ...options.room }
  await writing(() => requireRoom(folder, room))
  const draft = join(folder, `${name}.${randomBytes(6).toString('hex')}.part`)
  const file = await writing(() => open(draft, newFile, 0o600))
  let saved: string | null = null

  return {
    write: async (response) => {
      const length = Number(response.headers.get('content-length') ?? Number.NaN)
      // Of a coded body it is the length before decoding.
      const isPlain = response.headers.get('content-encoding') === null
      const total = isPlain && Number.isSafeInteger(length) && length >= 0 ? length : undefined
      if (total !== undefined && total > maxBytes) throw new BodyTooLong(maxBytes)
      await writing(() => requireRoom(folder, room, total))
      let bytes = 0
      let checkedBytes = 0
      for await (const chunk of response.body ?? []) {
        bytes += chunk.length
        if (bytes > maxBytes) throw new BodyTooLong(maxBytes)
        await writing(() => writeAll(file, chunk))
        if (bytes - checkedBytes >= stepBytes) {
          await writing(() => requireRoom(folder, room))
          checkedBytes = bytes
        }
        onBytes?.(bytes, total)
      }
      onBytes?.(bytes, bytes)
      await writing(() => requireRoom(folder, room))
      await writing(() => file.sync())
      saved = await writing(() => nameDraft(draft, folder, name))
    },
    savedAs: () => saved,
    close: async () => {
      await file.close()
      if (saved === null) await rm(draft, { force: true })
    },
  }
}

async function openFolder(folder: string): Promise<string> {
  return await writing(async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    return await realpath(folder)
  })
}

/** A number from 1 up goes before the ending: `report-1.pdf`. */
function numbered(name: string, number: number): string {
  if (number === 0) return name
  const ending = extname(name)
  return `${name.slice(0, name.length - ending.length)}-${number}${ending}`
}

/** Takes the name first, and then puts the draft in its place: whoever was there before stays. */
async function nameDraft(draft: string, folder: string, name: string): Promise<string> {
  for (let number = 0; number <= maxNumber; number++) {
    const path = join(folder, numbered(name, number))
    try {
      await (await open(path, newFile, 0o600)).close()
    } catch (error) {
      if (codeOf(error) === 'EEXIST' || codeOf(error) === 'ELOOP') continue
      throw error
    }
    await rename(draft, path)
    return path
  }
  throw new Failure(`There are ${maxNumber} files of this name.`, {
    advice: 'Choose another name.',
  })
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    at += (await file.write(chunk, at, chunk.length - at)).bytesWritten
  }
}

async function writing<Result>(act: () => Promise<Result>): Promise<Result> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof Failure || codeOf(error) === undefined) throw error
    throw new Failure(`The download folder cannot be written to (${codeOf(error)}).`, {
      advice: 'Ask the person who runs this server to look at it.',
    })
  }
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return typeof code === 'string' ? code : undefined
}
