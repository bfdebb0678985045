import { randomInt } from 'node:crypto'

/** Nothing that looks like another: no 0 and o, no 1, i and l, no u and v. */
const alphabet = '23456789abcdefghjkmnpqrstwxyz'
const length = 8

/** @param isTaken - Whether an id is in use: no two questions have the same. */
export function newApprovalId(isTaken: (id: string) => boolean): string {
  for (;;) {
    const id = Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')
    if (!isTaken(id)) return id
  }
}

/** Reads an id as somebody typed it. `undefined`: it is none. */
export function readApprovalId(text: string): string | undefined {
  const id = text.slice(0, 64).trim().toLowerCase()
  if (id.length !== length) return undefined
  return [...id].every((letter) => alphabet.includes(letter)) ? id : undefined
}
