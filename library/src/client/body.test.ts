import { describe, expect, test } from 'vitest'
import type { Body } from './body.ts'
import { createBody, maxReplayBytes } from './body.ts'

function sent(body: Body): Promise<ArrayBuffer> {
  const init = body.isStream ? { duplex: 'half' as const } : {}
  const request = new Request('http://a.test/', { method: 'POST', body: body.take(), ...init })
  return request.arrayBuffer()
}

async function text(body: Body): Promise<string> {
  return Buffer.from(await sent(body)).toString()
}

function streamOf(pull: (number: number) => Uint8Array | undefined): ReadableStream<Uint8Array> {
  let number = 0
  return new ReadableStream(
    {
      pull: (controller) => {
        const chunk = pull(number++)
        if (chunk === undefined) controller.close()
        else controller.enqueue(chunk)
      },
    },
    { highWaterMark: 0 },
  )
}

describe('R-PAY-8 a stream', () => {
  test('is remembered as it was, although its source writes into the same memory again', async () => {
    const buffer = new Uint8Array(1)
    const body = createBody(
      streamOf((number) => {
        buffer[0] = 97 + number
        return number < 3 ? buffer : undefined
      }),
    )
    const reader = (body.take() as ReadableStream<Uint8Array>).getReader()
    while (!(await reader.read()).done);
    expect(await body.isReplayable()).toBe(true)
    expect(await text(body)).toBe('abc')
    expect(await text(body)).toBe('abc')
  })

  test('is not read before somebody wants it', async () => {
    let pulled = 0
    const body = createBody(streamOf(() => Uint8Array.of(++pulled)))
    const stream = body.take() as ReadableStream<Uint8Array>
    await null
    expect(pulled).toBe(0)
    await stream.getReader().read()
    expect(pulled).toBe(1)
  })

  test('is read to its end to be sent again, and then the first send breaks off', async () => {
    const body = createBody(streamOf((number) => [Uint8Array.of(97), Uint8Array.of(98)][number]))
    const reader = (body.take() as ReadableStream<Uint8Array>).getReader()
    expect((await reader.read()).value).toEqual(Uint8Array.of(97))
    expect(await body.isReplayable()).toBe(true)
    await expect(reader.read()).rejects.toThrow(TypeError)
    expect(await text(body)).toBe('ab')
  })

  test('that does not end is given up when it is too long, and forgotten', async () => {
    let pulled = 0
    const body = createBody(
      streamOf(() => {
        pulled++
        return new Uint8Array(64 * 1024)
      }),
    )
    body.take()
    expect(await body.isReplayable()).toBe(false)
    expect(pulled).toBe(maxReplayBytes / (64 * 1024) + 1)
  })

  test('of anything but bytes is an error', async () => {
    const body = createBody(streamOf(() => 'text' as unknown as Uint8Array))
    body.take()
    await expect(body.isReplayable()).rejects.toThrow(TypeError)
  })

  test('that somebody else reads is an error', () => {
    const stream = streamOf(() => undefined)
    stream.getReader()
    expect(() => createBody(stream)).toThrow(TypeError)
  })
})
