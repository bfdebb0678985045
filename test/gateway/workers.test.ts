import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { Stage, StageOptions } from './workers-stage.ts'
import { ask, isAlive, isFree, launch, startStage, until } from './workers-stage.ts'

let open: Stage[] = []

afterEach(async () => {
  await Promise.all(open.map((stage) => stage.close()))
  open = []
})

async function start(options: StageOptions = {}): Promise<Stage> {
  const stage = await startStage(options)
  open.push(stage)
  return stage
}

/** Asks for a response that takes a while; resolves when it has begun. */
async function beginSlow(
  stage: Stage,
  ms: number,
): Promise<{ readonly rest: Promise<string>; readonly cut: Promise<string> }> {
  const socket = connect(stage.port, '127.0.0.1')
  let text = ''
  const begun = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes('begin')) resolve()
    })
  })
  const closed = new Promise<string>((resolve) => {
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(text))
  })
  socket.write(`GET /slow?ms=${ms} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
  await begun
  return { rest: closed, cut: closed }
}

describe('R-WRK-1 several workers serve one port', () => {
  test('each gets its share of the connections', async () => {
    const stage = await start()
    const counts = new Map<string, number>()
    for (let i = 0; i < 64; i++) {
      const { name } = JSON.parse((await stage.get('/who')).body) as { name: string }
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    expect([...counts.keys()].sort()).toEqual(['worker-1', 'worker-2'])
    // A coin that is tossed 64 times shows less than 8 heads once in a billion.
    if (process.platform === 'linux') expect(Math.min(...counts.values())).toBeGreaterThan(7)
  })

  test('so they do where they share one socket', async () => {
    const stage = await start({ config: { isSharingSocket: true } })
    const answers = await Promise.all(Array.from({ length: 200 }, () => stage.get('/who')))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    stage.primary.kill('SIGTERM')
    expect(await stage.exited).toBe(0)
    await until(() => isFree(stage.port))
  })

  test('a worker that cannot serve stops the start, and nothing is left running', async () => {
    const stage = await launch({ config: { dieAtStart: 'worker-2' } })
    open.push(stage)
    expect(await stage.exited).toBe(1)
    expect(stage.errors()).toContain('worker-2 ended before it served (exit code 9)')
    await until(() => isFree(stage.port))
  })

  test('a worker that does not serve in time stops the start', async () => {
    const stage = await launch({ config: { neverReady: true }, startMs: 1500 })
    open.push(stage)
    expect(await stage.exited).toBe(1)
    expect(stage.errors()).toContain('no answer within 1500 ms')
  })
})

describe('R-WRK-2 no worker outlives its primary', () => {
  test('the primary is killed: workers are gone within a second, and the port is free', async () => {
    const stage = await start()
    const pids = [...(await stage.everyone()).values()].map(({ pid }) => pid)
    stage.primary.kill('SIGKILL')
    await stage.exited
    const killedAt = performance.now()
    // A process whose first thread has ended looks ended, and its sockets go with the last one.
    await until(async () => pids.every((pid) => !isAlive(pid)) && (await isFree(stage.port)))
    // Within a second where nobody else uses the machine.
    expect(performance.now() - killedAt).toBeLessThan(3000)
  })
})

describe('R-WRK-3 a worker that dies is replaced', () => {
  test('what it had reserved is released, and requests go on', async () => {
    const stage = await start()
    const before = await stage.everyone()
    const victim = before.get('worker-1')!
    process.kill(victim.pid, 'SIGKILL')
    await until(async () => ((await stage.call('released')) as string[]).includes(victim.owner))
    // The other one serves in the meantime, and connections are not refused.
    for (let i = 0; i < 10; i++) expect((await stage.get('/who')).status).toBe(200)
    await until(async () => {
      return ((await stage.call('status')) as { ready: number }).ready === 2
    })
    const after = await stage.everyone()
    expect(after.get('worker-1')!.pid).not.toBe(victim.pid)
    expect(after.get('worker-1')!.owner).not.toBe(victim.owner)
    expect(after.get('worker-2')).toEqual(before.get('worker-2'))
    expect(await stage.call('released')).toEqual([victim.owner])
    expect(await stage.call('status')).toEqual({ wanted: 2, ready: 2, restarts: 1 })
    expect(stage.errors()).toContain('worker-1 died (signal SIGKILL)')
  })

  test('owner names are never used twice', async () => {
    const stage = await start()
    const owners = new Set([...(await stage.everyone()).values()].map(({ owner }) => owner))
    for (let round = 1; round <= 3; round++) {
      process.kill((await stage.everyone()).get('worker-2')!.pid, 'SIGKILL')
      await until(async () => {
        const { restarts, ready } = (await stage.call('status')) as Record<string, number>
        return restarts === round && ready === 2
      })
      owners.add((await stage.everyone()).get('worker-2')!.owner)
    }
    expect(owners.size).toBe(5)
  })

  test('a worker that does not answer any more is ended and replaced', async () => {
    const stage = await start({ pingMs: 150 })
    const { pid } = (await stage.everyone()).get('worker-1')!
    process.kill(pid, 'SIGSTOP')
    await until(async () => {
      const { restarts, ready } = (await stage.call('status')) as Record<string, number>
      return restarts === 1 && ready === 2
    })
    expect(isAlive(pid)).toBe(false)
    expect(stage.errors()).toContain('worker-1 does not answer and is ended')
  })
})

describe('R-WRK-4 signals are the affair of the primary', () => {
  test('a worker that gets one goes on, as when a terminal signals the whole group', async () => {
    const stage = await start()
    const { pid } = (await stage.everyone()).get('worker-1')!
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.kill(pid, signal)
    for (let i = 0; i < 10; i++) expect((await stage.get('/who')).status).toBe(200)
    expect((await stage.everyone()).get('worker-1')!.pid).toBe(pid)
  })

  test('SIGHUP reaches every worker as an order to open the logs anew', async () => {
    const stage = await start()
    stage.primary.kill('SIGHUP')
    await until(async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => stage.get('/reopened')))
      return answers.every(({ body }) => body === '{"reopened":1}')
    })
  })
})

describe('R-WRK-5 the first SIGTERM drains', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal}: open responses end, new connections are refused, exit code 0`, async () => {
      const stage = await start()
      const { rest } = await beginSlow(stage, 1500)
      stage.primary.kill(signal)
      await until(() => isFree(stage.port))
      await expect(ask(stage.port, '/who')).rejects.toThrow('ECONNREFUSED')
      expect(stage.primary.exitCode).toBe(null)
      expect(await rest).toContain('end')
      expect(await stage.exited).toBe(0)
    })
  }

  test('what is open longer than the drain time is cut, and the exit code is 0 still', async () => {
    const stage = await start({ drainMs: 100 })
    const { cut } = await beginSlow(stage, 60_000)
    stage.primary.kill('SIGTERM')
    expect(await cut).not.toContain('end')
    expect(await stage.exited).toBe(0)
  })
})

describe('R-WRK-6 the second signal ends at once', () => {
  test('open responses are cut, exit code 0', async () => {
    const stage = await start({ drainMs: 60_000 })
    const pids = [...(await stage.everyone()).values()].map(({ pid }) => pid)
    const { cut } = await beginSlow(stage, 60_000)
    stage.primary.kill('SIGTERM')
    await until(() => isFree(stage.port))
    stage.primary.kill('SIGINT')
    expect(await cut).not.toContain('end')
    expect(await stage.exited).toBe(0)
    expect(pids.filter(isAlive)).toEqual([])
  })
})

describe('R-WRK-7 a reload reaches all workers or none', () => {
  test('both have it when the call returns, and open responses go on', async () => {
    const stage = await start()
    const before = await stage.everyone()
    const { rest } = await beginSlow(stage, 800)
    await stage.call('reload', stage.config({ text: 'second' }))
    for (let i = 0; i < 10; i++) {
      expect(JSON.parse((await stage.get('/who')).body)).toMatchObject({ config: 'second' })
    }
    const after = await stage.everyone()
    for (const [name, { pid }] of after) expect(pid).toBe(before.get(name)!.pid)
    expect(await rest).toContain('end')
  })

  test('refused by the first: nothing changes, for nobody', async () => {
    const stage = await start()
    const next = stage.config({ text: 'second', refuse: 'worker-1' })
    await expect(stage.call('reload', next)).rejects.toThrow('not with me')
    for (const { config } of (await stage.everyone()).values()) expect(config).toBe('first')
    // And a worker that is started later gets the old one too.
    process.kill((await stage.everyone()).get('worker-2')!.pid, 'SIGKILL')
    await until(async () => ((await stage.call('status')) as { ready: number }).ready === 2)
    expect((await stage.everyone()).get('worker-2')!.config).toBe('first')
  })

  test('refused by another: that one is replaced, and its successor has it', async () => {
    const stage = await start()
    const before = await stage.everyone()
    await stage.call('reload', stage.config({ text: 'second', refuse: 'worker-2' }))
    await until(async () => {
      const after = await stage.everyone()
      return after.get('worker-2')!.pid !== before.get('worker-2')!.pid
    })
    const after = await stage.everyone()
    for (const { config } of after.values()) expect(config).toBe('second')
    expect(after.get('worker-1')!.pid).toBe(before.get('worker-1')!.pid)
    expect(stage.errors()).toContain('worker-2 did not take the configuration and is replaced')
    await until(async () => {
      return ((await stage.call('released')) as string[]).includes(before.get('worker-2')!.owner)
    })
    // On purpose, so it counts as no death.
    expect(await stage.call('status')).toMatchObject({ restarts: 0, ready: 2 })
  })

  test('a worker that is started after a reload has the new one', async () => {
    const stage = await start()
    await stage.call('reload', stage.config({ text: 'second' }))
    const { pid } = (await stage.everyone()).get('worker-1')!
    process.kill(pid, 'SIGKILL')
    await until(async () => {
      return ((await stage.call('status')) as { restarts: number }).restarts === 1
    })
    await until(async () => ((await stage.call('status')) as { ready: number }).ready === 2)
    expect((await stage.everyone()).get('worker-1')!.config).toBe('second')
  })

  test('two at once come one after the other; the later is in force', async () => {
    const stage = await start()
    await Promise.all([
      stage.call('reload', stage.config({ text: 'second' })),
      stage.call('reload', stage.config({ text: 'third' })),
    ])
    for (const { config } of (await stage.everyone()).values()) expect(config).toBe('third')
  })
})

describe('R-WRK-8 the primary gives up when workers die as soon as they are started', () => {
  test('and nobody serves: exit code 1, and the reason', async () => {
    const stage = await start({ workers: 1 })
    await stage.call('reload', stage.config({ dieAtStart: 'all' }))
    process.kill((await stage.everyone()).get('worker-1')!.pid, 'SIGKILL')
    expect(await stage.exited).toBe(1)
    expect(stage.errors()).toContain('worker-1 dies as soon as it is started (exit code 9)')
  })

  test('but not while another one serves', async () => {
    const stage = await start()
    await stage.call('reload', stage.config({ dieAtStart: 'worker-2' }))
    process.kill((await stage.everyone()).get('worker-2')!.pid, 'SIGKILL')
    await until(async () => ((await stage.call('released')) as string[]).length >= 6)
    expect((await stage.get('/who')).status).toBe(200)
    expect(stage.primary.exitCode).toBe(null)
  })
})

describe('R-WRK-9 the primary collects what its workers counted', () => {
  test('of all workers, and of those that are no more', async () => {
    const stage = await start()
    const before = await stage.everyone()
    const served = async (): Promise<number> => {
      const snapshots = (await stage.call('collect')) as string[]
      const counts = snapshots.flatMap((text) => [JSON.parse(text) as { served: number }].flat())
      return counts.reduce((sum, one) => sum + one.served, 0)
    }
    const total = await served()
    expect(total).toBeGreaterThanOrEqual(2)
    process.kill(before.get('worker-1')!.pid, 'SIGKILL')
    await until(async () => ((await stage.call('released')) as string[]).length === 1)
    expect(await served()).toBe(total)
    process.kill(before.get('worker-2')!.pid, 'SIGKILL')
    await until(async () => ((await stage.call('released')) as string[]).length === 2)
    expect(await served()).toBeGreaterThanOrEqual(total)
  })

  test('one that is replaced tells what it counted before it ends', async () => {
    const stage = await start()
    const asked = 40
    for (let i = 0; i < asked; i++) await stage.get('/who')
    await stage.call('reload', stage.config({ refuse: 'worker-2' }))
    await until(async () => ((await stage.call('released')) as string[]).length === 1)
    const snapshots = (await stage.call('collect')) as string[]
    const counts = snapshots.flatMap((text) => [JSON.parse(text) as { served: number }].flat())
    expect(counts.reduce((sum, one) => sum + one.served, 0)).toBe(asked)
  })

  test('one that does not answer holds nobody up, and keeps what it said last', async () => {
    const stage = await start()
    const { pid } = (await stage.everyone()).get('worker-1')!
    expect(await stage.call('collect')).toHaveLength(2)
    process.kill(pid, 'SIGSTOP')
    const askedAt = performance.now()
    expect(await stage.call('collect')).toHaveLength(2)
    expect(performance.now() - askedAt).toBeLessThan(10_000)
    process.kill(pid, 'SIGCONT')
  })
})

describe('R-WRK-10 all workers share the wallet of the primary', () => {
  test('200 invoices at once, each for its own amount, none twice', async () => {
    const stage = await start()
    const answers = await Promise.all([stage.get('/invoices'), stage.get('/invoices')])
    for (const { body } of answers) expect(JSON.parse(body)).toEqual({ right: 200, hashes: 200 })
  })

  test('the payee of a worker conforms to the port', async () => {
    const stage = await start({ workers: 1 })
    const { url, secret } = (await stage.call('wallet-address')) as Record<string, string>
    const query = new URLSearchParams({ url: url!, secret: secret! }).toString()
    const { results } = JSON.parse((await stage.get(`/conformance?${query}`)).body) as {
      results: { name: string; result: string }[]
    }
    const wrong = results.filter(({ result }) => {
      return result !== 'passed' && !result.startsWith('the rig has no control')
    })
    expect(wrong).toEqual([])
    expect(results.filter(({ result }) => result === 'passed').length).toBeGreaterThanOrEqual(9)
  })
})

describe('R-WRK-11 a wallet that is down is down for every worker', () => {
  test('NODE_UNAVAILABLE in workers, and well again when the wallet is', async () => {
    const stage = await start()
    await stage.call('wallet', 'down')
    for (let i = 0; i < 4; i++) {
      expect(await stage.get('/invoice')).toEqual({
        status: 503,
        body: '{"code":"NODE_UNAVAILABLE"}',
      })
    }
    expect((await stage.get('/who')).status).toBe(200)
    await stage.call('wallet', 'up')
    for (let i = 0; i < 4; i++) expect((await stage.get('/invoice')).status).toBe(200)
  })
})

describe('R-WRK-12 one stream of settlements reaches all', () => {
  test('each worker and the primary are told once, from one stream', async () => {
    const stage = await start()
    await stage.everyone()
    for (let i = 0; i < 3; i++) {
      const { invoice } = JSON.parse((await stage.get('/invoice')).body) as { invoice: string }
      expect(await stage.call('pay', invoice)).toBe('settled')
    }
    await until(async () => {
      const answers = await Promise.all(Array.from({ length: 6 }, () => stage.get('/settlements')))
      return answers.every(({ body }) => body === '{"settlements":3}')
    })
    expect(await stage.call('settled')).toEqual({ settled: 3, streams: 1 })
  })

  test('a stream that breaks breaks for workers too, and is opened again', async () => {
    const stage = await start({ workers: 1 })
    await stage.call('wallet', 'down')
    await until(async () => {
      const { settlements } = JSON.parse((await stage.get('/settlements')).body)
      return settlements >= 1000
    })
    await stage.call('wallet', 'up')
    await until(async () => ((await stage.call('settled')) as { streams: number }).streams === 2)
    const count = async (): Promise<number> => {
      return JSON.parse((await stage.get('/settlements')).body).settlements % 1000
    }
    const before = await count()
    await until(async () => {
      const { invoice } = JSON.parse((await stage.get('/invoice')).body) as { invoice: string }
      await stage.call('pay', invoice)
      return (await count()) > before
    })
    expect(stage.errors()).toContain('payee failed')
  })
})
