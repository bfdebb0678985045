import { existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import type { Given } from '../../cli/command.ts'
import { exitCodes } from '../../cli/exit-codes.ts'
import { Failure, UsageMistake } from '../../cli/failure.ts'
import type { Screen } from '../../cli/screen.ts'
import { openScreen, table } from '../../cli/screen.ts'
import { rotateKeyFile, viewKeyFile } from '../../keys/index.ts'
import { reasonOf } from './config-file.ts'
import { configTemplate, keysFileName } from './template.ts'
import { walletSchema } from './wallet.ts'

/** Runs `satway init`. */
export async function runInit(given: Given): Promise<number> {
  const [file = 'satway.yaml'] = given.operands
  const wallet = given.text('wallet')
  const mistake = wallet === undefined ? undefined : walletObjection(wallet, file)
  if (mistake !== undefined) throw new UsageMistake(`--wallet: ${mistake}`)
  const stem = basename(file, extname(file))
  const keysFile = join(dirname(file), keysFileName(stem))
  if (!given.has('force') && existsSync(file)) {
    throw new Failure(`${file} is there already.`, {
      advice: 'Give another name, or --force to replace it. The keys are kept in any case.',
    })
  }
  // Put in its place, a device or a pipe would be gone.
  if (existsSync(file) && !statSync(file).isFile()) throw new Failure(`${file} is no regular file.`)
  // The keys first: a configuration that refers to nothing would be of no use.
  const hadKeys = await provideKeys(keysFile)
  write(file, configTemplate(stem, wallet), given.has('force'))
  const screen = openScreen(process.stdout)
  screen.write(report(screen, { file, keysFile, hadKeys, wallet }))
  return exitCodes.ok
}

/** @returns whether they were there before. */
async function provideKeys(file: string): Promise<boolean> {
  if (!existsSync(dirname(file))) throw new Failure(`${dirname(file)} is no folder.`)
  if (existsSync(file)) {
    await viewKeyFile(file) // Says what is wrong with it.
    return true
  }
  await rotateKeyFile(file, { create: true })
  return false
}

function write(file: string, text: string, replaces: boolean): void {
  try {
    if (replaces) replace(file, text)
    else writeFileSync(file, text, { flag: 'wx' })
  } catch (error) {
    throw new Failure(`${file} cannot be written: ${reasonOf(error)}.`)
  }
}

/** In one step, so that a gateway that reloads at this moment reads one or the other. */
function replace(file: string, text: string): void {
  const folder = mkdtempSync(join(dirname(file), '.satway-init-'))
  try {
    const fresh = join(folder, basename(file))
    writeFileSync(fresh, text, { flag: 'wx' })
    renameSync(fresh, file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What a start would say of the wallet, before anything of it is opened. */
function walletObjection(wallet: string, file: string): string | undefined {
  // The file may not be there yet, and what it holds is not to be written anywhere.
  if (/^(?:file|env):./.test(wallet)) return undefined
  const schema = walletSchema({ where: { file, env: process.env }, isReferred: false })
  const result = schema.safeParse(wallet)
  return result.success ? undefined : result.error.issues[0]?.message
}

type Written = {
  readonly file: string
  readonly keysFile: string
  readonly hadKeys: boolean
  readonly wallet: string | undefined
}

function report(screen: Screen, { file, keysFile, hadKeys, wallet }: Written): string {
  const keys = hadKeys
    ? 'was there and was kept: tokens that were sold go on to work'
    : 'a fresh key for your tokens. Keep it secret, and keep it: without it no token that was sold works'
  const written = table(screen, [
    [file, 'what is sold, and where it comes from. It works as it is; change it to your API'],
    [keysFile, keys],
  ])
  const isReal = wallet !== undefined && !wallet.startsWith('devnet')
  const next = table(screen, [
    ['1.', `Put your API's address and prices into ${file}: upstream and routes.`],
    ['2.', `satway config check ${isReal ? '--online ' : ''}${file}`],
    ['3.', `satway gateway --config ${file}`],
    isReal
      ? ['4.', 'curl -i http://127.0.0.1:8402/v1/hello (402, and an invoice of your node)']
      : ['4.', 'satway get http://127.0.0.1:8402/v1/hello'],
  ])
  return `${screen.bold('Written')}\n${written}\n${screen.bold('Next')}\n${next}`
}
