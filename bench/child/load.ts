import autocannon from 'autocannon'

/** One round of load. Answers with a {@link LoadReport}. */
export type LoadOrder = {
  readonly url: string
  readonly authorization: string | undefined
  readonly seconds: number
  readonly connections: number
}

export type LoadReport = {
  readonly requests: number
  readonly seconds: number
  /** Responses that were not 2xx, errors and time-outs: a round with any of these is no figure. */
  readonly failures: number
  readonly p50Ms: number
  readonly p99Ms: number
}

process.on('message', async (order: LoadOrder) => {
  const { url, authorization, seconds, connections } = order
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    headers: authorization === undefined ? {} : { authorization },
  })
  const report: LoadReport = {
    requests: result.requests.total,
    seconds: result.duration,
    failures: result.non2xx + result.errors + result.timeouts,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
  }
  process.send!(report)
})
