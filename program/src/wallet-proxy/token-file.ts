import { randomBytes } from 'node:crypto'
import { Failure } from '../cli/failure.ts'
import { createPrivateFile, readPrivateFile } from '../keys/index.ts'

const tokenBytes = 32
const maxFileBytes = 256

/**
 * The bearer token of the proxy: made where there is none, and never replaced.
 *
 * @returns 43 characters of base64url.
 * @throws {Failure} for a file of another form, one that others can read, and where none can be made.
 * @spec agent.md R-WPX-1
 */
export function openTokenFile(file: string): string {
  if (readPrivateFile(file, maxFileBytes) === undefined) {
    createPrivateFile(file, `${randomBytes(tokenBytes).toString('base64url')}\n`)
  }
  const token = readPrivateFile(file, maxFileBytes)?.toString('latin1').trim() ?? ''
  if (/^[\w-]{43}$/.test(token)) return token
  throw new Failure(`${file} holds no token of this proxy.`, {
    advice: 'Remove it to have a new one made, and give that to the programs that use it.',
  })
}
