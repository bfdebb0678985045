import type { Socket } from 'node:net'

/** Frames of HTTP/2 as bytes: what no client library would send. */
export const preface: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

export const frameTypes = {
  data: 0,
  headers: 1,
  resetStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

const endStream = 1
const endHeaders = 4

export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

export const emptySettings: Buffer = frame(frameTypes.settings, 0, 0, Buffer.alloc(0))

export function ping(): Buffer {
  return frame(frameTypes.ping, 0, 0, Buffer.alloc(8))
}

export function resetStream(stream: number): Buffer {
  return frame(frameTypes.resetStream, 0, stream, Buffer.from([0, 0, 0, 8]))
}

/** @param isWhole - Whether the request ends with its head. */
export function headers(
  stream: number,
  lines: readonly (readonly [string, string])[],
  isWhole: boolean = true,
): Buffer {
  const flags = endHeaders | (isWhole ? endStream : 0)
  return frame(frameTypes.headers, flags, stream, Buffer.concat(lines.map(literal)))
}

export function data(stream: number, text: string): Buffer {
  return frame(frameTypes.data, endStream, stream, Buffer.from(text, 'latin1'))
}

/** A header that refers to no table: name and value as they are. */
function literal([name, value]: readonly [string, string]): Buffer {
  return Buffer.concat([Buffer.of(0), text(name), text(value)])
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes])
  const length = [127]
  let rest = bytes.length - 127
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128)
  return Buffer.concat([Buffer.from([...length, rest]), bytes])
}

/** What a frame says, as far as a test looks at it. */
export type Frame = {
  readonly type: number
  readonly stream: number
  readonly payload: Buffer
}

/** All frames that come on a connection until it ends. */
export async function readFrames(socket: Socket): Promise<readonly Frame[]> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => undefined)
  await new Promise((resolve) => socket.once('close', resolve))
  return split(Buffer.concat(chunks))
}

/** The whole frames in some bytes. */
export function split(bytes: Buffer): readonly Frame[] {
  const frames: Frame[] = []
  let at = 0
  while (at + 9 <= bytes.length) {
    const length = bytes.readUIntBE(at, 3)
    if (at + 9 + length > bytes.length) break
    frames.push({
      type: bytes[at + 3]!,
      stream: bytes.readUInt32BE(at + 5) & 0x7fffffff,
      payload: bytes.subarray(at + 9, at + 9 + length),
    })
    at += 9 + length
  }
  return frames
}

/** The code of the last GOAWAY frame. */
export function goAwayCode(frames: readonly Frame[]): number | undefined {
  return frames.findLast(({ type }) => type === frameTypes.goAway)?.payload.readUInt32BE(4)
}
