import { decodeUtf8 } from '../../bytes/index.ts'

/** What a macaroon of lnd allows: `offchain` `write`, or `uri` `/lnrpc.Lightning/AddInvoice`. */
export type Permission = { readonly entity: string; readonly action: string }

/** First byte of an identifier that says itself what the macaroon allows. */
const identifierVersion = 3
/** Fields of the protocol buffers in it. */
const opsField = 3
const entityField = 1
const actionsField = 2

type Field = { readonly number: number; readonly bytes: Uint8Array | undefined }

/**
 * Reads what a macaroon allows from its identifier. Its caveats are not counted: they only narrow.
 *
 * @returns `undefined` when the identifier does not say.
 */
export function readPermissions(identifier: Uint8Array): readonly Permission[] | undefined {
  if (identifier[0] !== identifierVersion) return undefined
  const fields = readFields(identifier.subarray(1))
  const permissions: Permission[] = []
  for (const { number, bytes } of fields ?? []) {
    if (number !== opsField) continue
    const read = bytes && readOperation(bytes)
    if (read === undefined) return undefined
    permissions.push(...read)
  }
  return permissions.length === 0 ? undefined : permissions
}

/** One entity, and what may be done with it. */
function readOperation(bytes: Uint8Array): readonly Permission[] | undefined {
  const fields = readFields(bytes)
  const entity = fields?.findLast(({ number }) => number === entityField)
  const name = readText(entity?.bytes)
  if (fields === undefined || name === undefined) return undefined
  const permissions: Permission[] = []
  for (const field of fields) {
    if (field.number !== actionsField) continue
    const action = readText(field.bytes)
    if (action === undefined) return undefined
    permissions.push({ entity: name, action })
  }
  return permissions
}

function readText(bytes: Uint8Array | undefined): string | undefined {
  try {
    return bytes && decodeUtf8(bytes)
  } catch {
    return undefined
  }
}

/** The fields of one message, in order. `undefined`: it is none. */
function readFields(bytes: Uint8Array): readonly Field[] | undefined {
  const fields: Field[] = []
  let at = 0
  while (at < bytes.length) {
    const tag = readVarint(bytes, at)
    if (tag === undefined) return undefined
    const end = endOfField(bytes, tag.end, tag.value & 7)
    if (end === undefined || end.at > bytes.length) return undefined
    const content = end.start === undefined ? undefined : bytes.subarray(end.start, end.at)
    fields.push({ number: tag.value >>> 3, bytes: content })
    at = end.at
  }
  return fields
}

/** Where a field of a wire type ends, and where its bytes start, if it has some. */
function endOfField(
  bytes: Uint8Array,
  at: number,
  wireType: number,
): { readonly at: number; readonly start?: number } | undefined {
  if (wireType === 1) return { at: at + 8 }
  if (wireType === 5) return { at: at + 4 }
  const number = wireType === 0 || wireType === 2 ? readVarint(bytes, at) : undefined
  if (number === undefined) return undefined
  if (wireType === 0) return { at: number.end }
  return { start: number.end, at: number.end + number.value }
}

/** A number below 2³¹, lowest seven bits first. */
function readVarint(
  bytes: Uint8Array,
  start: number,
): { readonly value: number; readonly end: number } | undefined {
  let value = 0
  for (let i = 0; i < 5; i++) {
    const byte = bytes[start + i]
    if (byte === undefined) return undefined
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (byte > 0x7f) continue
    return value < 2 ** 31 ? { value, end: start + i + 1 } : undefined
  }
  return undefined
}
