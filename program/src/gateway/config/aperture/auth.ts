import type { Noting } from './notes.ts'
import { textOf } from './values.ts'

export type Auth = {
  readonly isFree: boolean
  /** Requests before the first payment. */
  readonly freeRequests: number | undefined
}

const paid: Auth = { isFree: false, freeRequests: undefined }

/**
 * Reads Aperture's `auth`. What it does not know, it lets in for free; here that is paid.
 *
 * @spec gateway.md R-CONF-23
 */
export function readAuth(given: Readonly<Record<string, unknown>>, note: Noting): Auth {
  const value = given['auth']
  if (value === undefined || value === null || value === true) return paid
  if (value === false) return free(note)
  // Compared as Aperture does: in lower case, and with every space.
  const text = (textOf(value) ?? 'none of these').toLowerCase()
  if (text === '' || text === 'on' || text === 'true') {
    note('carried', 'auth', 'on')
    return paid
  }
  if (text === 'off' || text === 'false') return free(note)
  const freebie = /^freebie (\d{1,9})$/.exec(text)
  if (freebie !== null) return freeTier(Number(freebie[1]), note)
  note(
    'danger',
    'auth',
    'Aperture does not know this value, and everybody gets in without paying. Here it is paid',
  )
  return paid
}

function free(note: Noting): Auth {
  note('carried', 'auth', 'off: every path is free')
  return { isFree: true, freeRequests: undefined }
}

function freeTier(requests: number, note: Noting): Auth {
  if (requests === 0) return paid
  note(
    'changed',
    'auth',
    `${requests} free requests for each client network and capability, again after 365d; Aperture forgot them at each restart`,
  )
  return { isFree: false, freeRequests: requests }
}
