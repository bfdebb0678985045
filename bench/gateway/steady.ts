import { Agent, request } from 'node:http'

// A process of its own on the processor of the load: asks at a steady rate, whatever the answers do.
type Order = {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly perSecond: number
  readonly seconds: number
}

process.on('message', async (order: Order) => {
  process.send!(await steady(order))
})

async function steady({ url, headers, perSecond, seconds }: Order): Promise<{
  readonly p50Ms: number
  readonly p99Ms: number
  readonly failures: number
}> {
  const agent = new Agent({ keepAlive: true, maxSockets: 200 })
  const times: number[] = []
  let failures = 0
  const total = perSecond * seconds
  const began = performance.now()
  const all: Promise<void>[] = []
  for (let i = 0; i < total; i++) {
    const due = began + (i * 1000) / perSecond
    while (performance.now() < due) await new Promise((resolve) => setTimeout(resolve, 1))
    all.push(
      ask(url, headers, agent).then(
        // From when it was due: a server that is late once is late for all who wait.
        (ok) => {
          times.push(performance.now() - due)
          if (!ok) failures++
        },
        () => {
          failures++
        },
      ),
    )
  }
  await Promise.all(all)
  agent.destroy()
  times.sort((a, b) => a - b)
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? Number.NaN
  return { p50Ms: at(0.5), p99Ms: at(0.99), failures }
}

function ask(url: string, headers: Order['headers'], agent: Agent): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { headers, agent }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode === 200))
      response.once('error', reject)
    })
    asking.once('error', reject)
    asking.end()
  })
}
