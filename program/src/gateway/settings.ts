import { availableParallelism } from 'node:os'
import type { Given } from '../cli/command.ts'
import { UsageMistake } from '../cli/failure.ts'
import { inSatwayFolder } from '../keys/index.ts'
import { oneLineConfig } from './config/index.ts'
import type { Source } from './source.ts'
import { fileSource, textSource } from './source.ts'

/** What the command line asks for. */
export type Settings = {
  readonly source: Source
  readonly workers: number
  readonly dryRun: boolean
  readonly json: boolean
}

/** @throws {UsageMistake} */
export function readSettings(given: Given): Settings {
  return {
    source: readSource(given),
    workers: readWorkers(given.text('workers')),
    dryRun: given.has('dry-run'),
    json: given.has('json'),
  }
}

const oneLineFlags = ['upstream', 'price', 'wallet', 'listen', 'admin', 'state']

function readSource(given: Given): Source {
  const config = given.text('config')
  const upstream = given.text('upstream')
  const price = given.text('price')
  const listen = given.text('listen')
  const admin = given.text('admin')
  const state = given.text('state')
  const wallet = given.text('wallet')
  if (config !== undefined) {
    for (const flag of [...oneLineFlags, 'allow-spending']) {
      if (given.has(flag)) throw new UsageMistake(`--${flag} does not go with --config`)
    }
    return fileSource(config)
  }
  if (upstream === undefined) throw new UsageMistake('--upstream or --config is missing')
  if (price === undefined) throw new UsageMistake('--price is missing, such as --price 10sat')
  if (given.has('allow-spending') && wallet === undefined) {
    throw new UsageMistake('--allow-spending goes with --wallet')
  }
  return textSource(
    oneLineConfig({
      upstream,
      price,
      ...(wallet === undefined ? {} : { wallet, allowSpending: given.has('allow-spending') }),
      ...(listen === undefined ? {} : { listen }),
      state: state ?? inSatwayFolder('gateway.db', process.env),
      ...(admin === undefined ? {} : { admin: admin === 'off' ? false : admin }),
    }),
  )
}

function readWorkers(text: string | undefined): number {
  if (text === undefined) return 1
  if (text === 'auto') return availableParallelism()
  const workers = Number(text)
  if (!/^\d{1,3}$/.test(text) || workers < 1 || workers > 256) {
    throw new UsageMistake('--workers: expected 1 to 256, or auto')
  }
  return workers
}
