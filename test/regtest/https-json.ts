import { Agent, request } from 'node:https'

/** Asks one server, whose certificate is known. */
export type HttpsJson = {
  /**
   * @param body - Sent by POST; left out: GET. `'DELETE'`: nothing is sent, by DELETE.
   * @returns what it answered: of several lines the last.
   * @throws {Error} with the status and what it said, for another status than 200.
   */
  ask<Answer = Record<string, unknown>>(path: string, body?: object | 'DELETE'): Promise<Answer>
  close(): void
}

export type HttpsJsonOptions = {
  readonly port: number
  readonly certificate: string
  readonly headers: () => Readonly<Record<string, string>>
  /** Default 30 000. */
  readonly timeoutMs?: number
}

export function createHttpsJson(options: HttpsJsonOptions): HttpsJson {
  const { port, certificate, headers, timeoutMs = 30_000 } = options
  const agent = new Agent({ ca: certificate, keepAlive: true, maxSockets: 8 })

  const send = (path: string, method: string, text: string | undefined) =>
    new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
      const asked = request(
        {
          agent,
          host: '127.0.0.1',
          port,
          path,
          method,
          headers: { ...headers(), 'content-type': 'application/json' },
          signal: AbortSignal.timeout(timeoutMs),
        },
        (response) => {
          let answer = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => {
            answer += chunk
          })
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text: answer }))
          response.on('error', reject)
        },
      )
      asked.on('error', reject)
      asked.end(text)
    })

  return {
    ask: async <Answer>(path: string, body?: object | 'DELETE') => {
      const answer = await (typeof body === 'object'
        ? send(path, 'POST', JSON.stringify(body))
        : send(path, body ?? 'GET', undefined))
      const last = answer.text.trim().split('\n').at(-1) ?? ''
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${last.slice(0, 300)}`)
      return JSON.parse(last) as Answer
    },
    close: () => agent.destroy(),
  }
}
