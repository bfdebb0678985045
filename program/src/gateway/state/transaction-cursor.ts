/** Where a page ends: everything before it is on the next one. */
export type Cursor = { readonly settledAt: bigint; readonly id: bigint }

/** Two numbers of 15 digits in base64 are 42 characters. */
const maxLength = 44

/** The inverse of {@link parseCursor}. */
export function formatCursor({ settledAt, id }: Cursor): string {
  return Buffer.from(`${settledAt}.${id}`).toString('base64url')
}

/** @throws {RangeError} for a text that no page ended with. */
export function parseCursor(text: string): Cursor {
  const plain = text.length > maxLength ? '' : Buffer.from(text, 'base64url').toString('latin1')
  const parts = /^(\d{1,15})\.(\d{1,15})$/.exec(plain)
  if (parts !== null) {
    const cursor = { settledAt: BigInt(parts[1]!), id: BigInt(parts[2]!) }
    if (formatCursor(cursor) === text) return cursor
  }
  throw new RangeError('after: expected what the page before ended with')
}
