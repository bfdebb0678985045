import { lstat, readdir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../cli/failure.ts'

/** How much a folder for downloads may hold. */
export type RoomLimits = {
  /** All files together, unfinished ones included. */
  readonly maxFolderBytes: number
  /** What stays free on its disk: the journal may be on the same. */
  readonly minFreeBytes: number
}

/** How many downloads run at once. */
export type Saves = {
  /**
   * Takes a place. @returns what gives it back.
   *
   * @throws {Failure} when there is none.
   */
  take(): () => void
}

const maxFiles = 10_000
/** The least that a file takes of a disk. */
const blockBytes = 4096

/** @param most - One more is refused. */
export function createSaves(most: number): Saves {
  let taken = 0
  return {
    take: () => {
      if (taken >= most) {
        throw new Failure(`There are ${most} downloads under way already.`, {
          advice: 'Call again later.',
        })
      }
      taken++
      return () => {
        taken--
      }
    },
  }
}

/**
 * Checks that a folder may hold more. A model chooses how much it saves, and a stranger how long it is.
 *
 * @param moreBytes - What is about to come, where that is known.
 * @throws {Failure} when the folder or its disk is full.
 * @spec mcp.md R-MCP-23
 */
export async function requireRoom(
  folder: string,
  { maxFolderBytes, minFreeBytes }: RoomLimits,
  moreBytes = 0,
): Promise<void> {
  const names = await readdir(folder)
  if (names.length > maxFiles) throw full(`holds more than ${maxFiles} files`)
  let bytes = moreBytes
  for (const name of names) bytes += await sizeOf(join(folder, name))
  if (bytes > maxFolderBytes) throw full(`may hold ${maxFolderBytes} bytes in all`)
  const { bavail, bsize, blocks } = await statfs(folder)
  // Some file systems do not say.
  if (blocks > 0 && bavail * bsize - moreBytes < minFreeBytes) {
    throw full(`is on a disk of which ${minFreeBytes} bytes stay free`)
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return Math.max((await lstat(path)).size, blockBytes)
  } catch {
    return 0 // it was moved away meanwhile
  }
}

function full(why: string): Failure {
  return new Failure(`There is no room: the download folder ${why}.`, {
    advice: 'Ask the person who runs this server to remove files from it.',
  })
}
