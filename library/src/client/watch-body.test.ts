import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { watchBody } from './watch-body.ts'

type Source = {
  readonly stream: ReadableStream<Uint8Array>
  readonly pulls: () => number
  readonly cancelled: () => unknown
}

/** A body of these chunks, and of an error after them. */
function bodyOf(type: 'bytes' | undefined, chunks: readonly string[], error?: unknown): Source {
  let pulls = 0
  let cancelled: unknown
  const source = {
    pull: (controller: ReadableByteStreamController | ReadableStreamDefaultController) => {
      const chunk = chunks[pulls++]
      if (chunk !== undefined) controller.enqueue(new TextEncoder().encode(chunk))
      else if (error !== undefined) controller.error(error)
      else {
        controller.close()
        if ('byobRequest' in controller) controller.byobRequest?.respond(0)
      }
    },
    cancel: (reason: unknown) => {
      cancelled = reason
    },
  }
  const stream: ReadableStream =
    type === 'bytes'
      ? new ReadableStream({ type, ...source })
      : new ReadableStream(source, { highWaterMark: 0 })
  return { stream, pulls: () => pulls, cancelled: () => cancelled }
}

function watched(response: Response): {
  readonly response: Response
  readonly ends: readonly string[]
} {
  const ends: string[] = []
  const told = async (end: string): Promise<void> => {
    await Promise.resolve()
    ends.push(end)
  }
  const end = { whole: () => told('whole'), broken: () => told('broken') }
  return { response: watchBody(response, end), ends }
}

describe('R-PAY-49 a body that is watched', () => {
  for (const type of ['bytes', undefined] as const) {
    const name = type ?? 'chunks'

    test(`of ${name} is the same, in the same pieces, and its end is known before its reader knows`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.string({ minLength: 1, maxLength: 9 }), { maxLength: 5 }),
          fc.boolean(),
          async (chunks, breaks) => {
            const error = new TypeError('terminated')
            const body = bodyOf(type, chunks, breaks ? error : undefined)
            const { response, ends } = watched(new Response(body.stream))
            const reader = response.body!.getReader()
            for (const chunk of chunks) {
              const { value } = await reader.read()
              expect(new TextDecoder().decode(value)).toBe(chunk)
              expect(ends).toEqual([])
            }
            const last = await reader.read().catch((thrown: unknown) => thrown)
            expect(last).toEqual(breaks ? error : { done: true, value: undefined })
            expect(ends).toEqual([breaks ? 'broken' : 'whole'])
          },
        ),
        { numRuns: 50 },
      )
    })

    test(`of ${name} is read no faster than its reader reads`, async () => {
      const body = bodyOf(type, ['a', 'b', 'c', 'd'])
      const { response } = watched(new Response(body.stream))
      await new Promise(setImmediate)
      expect(body.pulls()).toBe(0)
      const reader = response.body!.getReader()
      for (const count of [1, 2, 3]) {
        await reader.read()
        await new Promise(setImmediate)
        expect(body.pulls()).toBe(count)
      }
    })

    for (const when of ['unread', 'begun', 'while it is awaited'] as const) {
      test(`of ${name} that its reader had enough of (${when}) is cancelled, and has no end`, async () => {
        const reason = new Error('enough')
        let cancelled: unknown
        const source = {
          pull: (
            controller: ReadableByteStreamController | ReadableStreamDefaultController,
          ): Promise<void> | undefined => {
            if (when === 'while it is awaited') return new Promise<void>(() => undefined)
            controller.enqueue(Uint8Array.of(1))
            return undefined
          },
          cancel: (given: unknown) => {
            cancelled = given
          },
        }
        const stream: ReadableStream =
          type === 'bytes'
            ? new ReadableStream({ type, ...source })
            : new ReadableStream(source, { highWaterMark: 0 })
        const { response, ends } = watched(new Response(stream))
        if (when === 'unread') await response.body!.cancel(reason)
        else {
          const reader = response.body!.getReader()
          const first = reader.read()
          if (when === 'begun') await first
          await reader.cancel(reason)
          await first
        }
        await new Promise(setImmediate)
        expect(cancelled).toBe(reason)
        expect(ends).toEqual([])
      })
    }
  }

  test('can be read into memory of the reader, as before', async () => {
    const { response, ends } = watched(new Response(bodyOf('bytes', ['abc', 'd']).stream))
    const reader = response.body!.getReader({ mode: 'byob' })
    const read: string[] = []
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(2))
      if (done) break
      read.push(new TextDecoder().decode(value))
    }
    expect(read.join('')).toBe('abcd')
    expect(ends).toEqual(['whole'])
  })

  test('is read by every method, and can be cloned', async () => {
    const json = { a: 1 }
    const { response, ends } = watched(Response.json(json, { status: 201 }))
    const copy = response.clone()
    expect([response.status, await response.json(), response.bodyUsed]).toEqual([201, json, true])
    expect([await copy.json(), copy.headers.get('content-type')]).toEqual([
      json,
      'application/json',
    ])
    expect(ends).toEqual(['whole'])
  })

  test('leaves what `fetch` alone can say of a response as it is', async () => {
    const server = createServer((_, outgoing) => {
      outgoing.setHeader('set-cookie', ['a=1', 'b=2'])
      outgoing.writeHead(404, 'Gone Fishing').end('x')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a?b`
    try {
      const plain = await fetch(url)
      const { response } = watched(plain)
      expect(response).toBeInstanceOf(Response)
      for (const one of [response, response.clone()]) {
        for (const name of [
          'url',
          'redirected',
          'type',
          'status',
          'statusText',
          'ok',
          'bodyUsed',
        ] as const) {
          expect([name, one[name]]).toEqual([name, plain[name]])
        }
        expect([...one.headers]).toEqual([...plain.headers])
        expect(one.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
      }
      Object.defineProperty(response, 'redirected', { value: true })
      expect(response.redirected).toBe(true)
      expect(await response.text()).toBe('x')
    } finally {
      server.close()
      server.closeAllConnections()
    }
  })

  test('is still there when it is read late, whatever was forgotten meanwhile', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const server = createServer((_, outgoing) => outgoing.end('x'.repeat(1000)))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    try {
      const { response, ends } = watched(await fetch(url))
      for (let i = 0; i < 20; i++) {
        collect()
        await new Promise(setImmediate)
      }
      expect((await response.text()).length).toBe(1000)
      expect(ends).toEqual(['whole'])
    } finally {
      server.close()
      server.closeAllConnections()
    }
  })

  test('where there is none, is the same response', () => {
    const response = new Response(null, { status: 204 })
    expect(watched(response).response).toBe(response)
  })
})
