import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import type { Home } from '../agent/index.ts'
import { Failure } from '../cli/failure.ts'
import { createPrivateFile, readPrivateFile } from '../keys/index.ts'

const tokenBytes = 32
const form = /^[\w-]{43}$/
const maxFileBytes = 128

/** Who may use the server over HTTP: whoever knows what is in the file. */
export type AccessToken = {
  readonly file: string
  /** Whether a header `Authorization` carries it. Takes as long for one wrong value as for another. */
  isIn(authorization: string | undefined): boolean
}

/**
 * The token of a home: made at its first use, for its owner alone, and never replaced.
 *
 * @throws {Failure} for a file that others can read, or that holds something else.
 * @spec mcp.md R-MCP-51
 */
export function openAccessToken({ folder }: Pick<Home, 'folder'>): AccessToken {
  const file = join(folder, 'mcp.token')
  if (readPrivateFile(file, maxFileBytes) === undefined) {
    createPrivateFile(file, `${randomBytes(tokenBytes).toString('base64url')}\n`)
  }
  const text = readPrivateFile(file, maxFileBytes)?.toString('latin1').trim() ?? ''
  if (!form.test(text)) {
    throw new Failure(`${file} holds no token of this server.`, {
      advice: 'Remove it to have a new one made.',
    })
  }
  const expected = digest(text)
  return {
    file,
    isIn: (authorization) => {
      const given = /^Bearer +([\w.~+/=-]{1,256}) *$/i.exec(authorization ?? '')?.[1]
      // Digests are of one length, whatever was sent.
      return timingSafeEqual(digest(given ?? ''), expected)
    },
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
