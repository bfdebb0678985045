import { limits, tooLarge } from './limits.ts'
import type { Caveat, Macaroon } from './macaroon.ts'
import { malformed } from './malformed.ts'
import { measureMacaroon, signatureBytes } from './measure.ts'

// A packet: four lower-case hexadecimal digits with the length of it all, a name, a space, the
// content, a line feed.
const digits = 4
const space = 0x20
const lineFeed = 0x0a

/**
 * Writes the V1 binary form, which foreign clients and servers may still want.
 *
 * V1 always names a location: an absent one is written as an empty one.
 *
 * @returns At most 16 384 bytes.
 * @throws {L402Error} MACAROON_MALFORMED, MACAROON_TOO_LARGE for a macaroon that has no V1 form.
 * @spec macaroon.md R-MAC-30, R-MAC-31
 */
export function encodeMacaroonV1(macaroon: Macaroon): Uint8Array {
  measureMacaroon(macaroon)
  const packets = packetsOf(macaroon)
  let length = 0
  for (const packet of packets) length += packetLength(packet)
  if (length > limits.tokenBytes) throw tooLarge('tokenBytes', length)

  const bytes = new Uint8Array(length)
  let at = 0
  for (const packet of packets) at = writePacket(bytes, at, packet)
  return bytes
}

/**
 * Reads the V1 binary form. The inverse of {@link encodeMacaroonV1}, to the byte; an empty location is
 * read as none.
 *
 * @param bytes - At most 16 384 of them. Copied: the macaroon does not change with them.
 * @throws {L402Error} MACAROON_MALFORMED with `reason` and `position`; MACAROON_TOO_LARGE.
 * @spec macaroon.md R-MAC-30 to R-MAC-32, R-MAC-60
 */
export function decodeMacaroonV1(bytes: Uint8Array): Macaroon {
  if (bytes.length > limits.tokenBytes) throw tooLarge('tokenBytes', bytes.length)
  if (bytes.length === 0) throw malformed('empty')

  const packets = new PacketReader(new Uint8Array(bytes))
  const location = packets.required('location')
  const identifier = packets.required('identifier')
  const unverifiedCaveats = readCaveats(packets)
  const signature = packets.required('signature')
  if (signature.length !== signatureBytes) throw malformed('signature length', packets.position)
  if (packets.position !== bytes.length) throw malformed('trailing bytes', packets.position)

  const macaroon = { identifier, unverifiedCaveats, signature }
  return location.length === 0 ? macaroon : { ...macaroon, location }
}

function readCaveats(packets: PacketReader): readonly Caveat[] {
  const caveats: Caveat[] = []
  for (;;) {
    const identifier = packets.optional('cid')
    if (identifier === undefined) return caveats
    if (caveats.length === limits.caveats) throw tooLarge('caveats', caveats.length + 1)
    caveats.push(readRest(packets, identifier))
  }
}

function readRest(packets: PacketReader, identifier: Uint8Array): Caveat {
  const verificationId = packets.optional('vid')
  if (verificationId === undefined) return { identifier }
  if (verificationId.length === 0) throw malformed('empty verification id', packets.position)
  const location = packets.optional('cl')
  return location === undefined
    ? { identifier, verificationId }
    : { identifier, verificationId, location }
}

type Packet = readonly [name: string, content: Uint8Array]

function packetsOf(macaroon: Macaroon): readonly Packet[] {
  const packets: Packet[] = [
    ['location', macaroon.location ?? new Uint8Array(0)],
    ['identifier', macaroon.identifier],
  ]
  for (const { identifier, verificationId, location } of macaroon.unverifiedCaveats) {
    packets.push(['cid', identifier])
    if (verificationId !== undefined) packets.push(['vid', verificationId])
    if (location !== undefined) packets.push(['cl', location])
  }
  packets.push(['signature', macaroon.signature])
  return packets
}

function packetLength([name, content]: Packet): number {
  return digits + name.length + 1 + content.length + 1
}

function writePacket(bytes: Uint8Array, position: number, packet: Packet): number {
  const [name, content] = packet
  const length = packetLength(packet)
  const head = `${length.toString(16).padStart(digits, '0')}${name} `
  for (let i = 0; i < head.length; i++) bytes[position + i] = head.charCodeAt(i)
  bytes.set(content, position + head.length)
  bytes[position + length - 1] = lineFeed
  return position + length
}

/**
 * Walks forward over the packets of a V1 macaroon. A packet that is not the one asked for is left in
 * place, so that an unknown, repeated or misplaced one stops whoever needs the next.
 */
class PacketReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get position(): number {
    return this.#at
  }

  optional(name: string): Uint8Array | undefined {
    if (!this.#isNamed(name)) return undefined
    const start = this.#at + digits + name.length + 1
    const end = this.#at + this.#length()
    if (end > this.#bytes.length) throw malformed('truncated', this.#at)
    if (end <= start) throw malformed('packet', this.#at)
    if (this.#bytes[end - 1] !== lineFeed) throw malformed('packet', end - 1)
    this.#at = end
    return this.#bytes.subarray(start, end - 1)
  }

  required(name: string): Uint8Array {
    const content = this.optional(name)
    if (content !== undefined) return content
    throw malformed(this.#at < this.#bytes.length ? 'field' : 'truncated', this.#at)
  }

  #isNamed(name: string): boolean {
    const start = this.#at + digits
    for (let i = 0; i < name.length; i++) {
      if (this.#bytes[start + i] !== name.charCodeAt(i)) return false
    }
    return this.#bytes[start + name.length] === space
  }

  #length(): number {
    let length = 0
    for (let i = 0; i < digits; i++) {
      const digit = '0123456789abcdef'.indexOf(String.fromCharCode(this.#bytes[this.#at + i]!))
      if (digit === -1) throw malformed('packet', this.#at + i)
      length = length * 16 + digit
    }
    return length
  }
}
