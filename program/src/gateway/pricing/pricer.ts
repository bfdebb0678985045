import { createHash } from 'node:crypto'
import type { Dispatcher } from 'undici'
import { Agent } from 'undici'
import type { PriceConfig } from '../config/index.ts'
import { AnswerCache } from './answer-cache.ts'
import { callJson, readServiceUrl } from './json-call.ts'
import type { PricerAnswer } from './pricer-answer.ts'
import { readPricerAnswer } from './pricer-answer.ts'
import { unpriced } from './unpriced.ts'

export type { PricerAnswer } from './pricer-answer.ts'

/** What a pricer is told. All of it is part of what the token is bound to. */
export type PriceQuestion = {
  readonly service: string
  /** The key of the route, `GET /v1/x`, where the configuration names none. */
  readonly capability: string
  /** `GET` for HEAD. */
  readonly method: string
  /** The canonical path. */
  readonly path: string
  /** With `?`; empty when there is none. */
  readonly query: string
  /** Those that the configuration names; `null` for one that the request has not. */
  readonly headers: Readonly<Record<string, string | null>>
  /** Absent unless the configuration asks for the body. */
  readonly body_base64?: string
}

export type HttpPriceConfig = Extract<PriceConfig, { kind: 'http' }>

/** Asks pricers. One for all routes: they share its connections and its limits. */
export type PricerSource = {
  /**
   * What a request costs. Requests that ask the same thing at the same time share one question.
   *
   * @throws {L402Error} REQUEST_UNPRICED when the pricer is away, answers out of form, or has too much to do.
   */
  ask(config: HttpPriceConfig, question: PriceQuestion): Promise<PricerAnswer>
  /** Breaks off what is under way. */
  close(): void
}

export type PricerSourceOptions = {
  /** Milliseconds; never goes back. Default: the process's own clock. */
  readonly now?: () => number
  /** Default: an agent of its own. */
  readonly dispatcher?: Dispatcher
}

const maxAnswerBytes = 16 * 1024

/** Questions under way at a time. More are refused at once: who floods must not fill the memory. */
const maxUnderWay = 512

/** Connections to one pricer. */
const maxConnections = 64

/** Makes what {@link createPrice} needs for prices that a service of the operator tells. */
export function createPricerSource(options: PricerSourceOptions = {}): PricerSource {
  const now = options.now ?? (() => performance.now())
  const dispatcher = options.dispatcher ?? new Agent({ connections: maxConnections })
  const cache = new AnswerCache<PricerAnswer>(now)
  const underWay = new Map<string, Promise<PricerAnswer>>()

  const call = async (
    config: HttpPriceConfig,
    body: string,
    key: string,
  ): Promise<PricerAnswer> => {
    try {
      const answer = readPricerAnswer(
        await callJson(dispatcher, {
          url: readServiceUrl(config.url),
          method: 'POST',
          body,
          timeoutMs: config.timeoutMs,
          maxBytes: maxAnswerBytes,
        }),
      )
      cache.set(key, answer, answer.cacheSeconds)
      return answer
    } finally {
      underWay.delete(key)
    }
  }
  return {
    ask: async (config, question) => {
      const body = JSON.stringify(question)
      const key = createHash('sha256').update(`${config.url}\n${body}`).digest('base64')
      const known = cache.get(key) ?? underWay.get(key)
      if (known !== undefined) return known
      if (underWay.size >= maxUnderWay) throw unpriced('too many questions are under way')
      const asked = call(config, body, key)
      underWay.set(key, asked)
      return asked
    },
    close: () => {
      if (options.dispatcher === undefined) void dispatcher.destroy()
    },
  }
}
