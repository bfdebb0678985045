import type { HeldPlace, WalletUri } from 'satway/lightning/wallet'
import { describePlace } from 'satway/lightning/wallet'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import { absolute } from './home.ts'
import { readWalletName } from './wallet-name.ts'
import { realPathOf } from './wallet-secret.ts'

/**
 * Refuses a wallet that takes the secret of the one in the configuration to another place. Whoever
 * makes somebody run a command must not get what opens that wallet.
 *
 * @param uri - The wallet that a command line names.
 * @param configured - What `config.yaml` calls the wallet.
 * @throws {Failure}
 * @spec agent.md R-AGT-49
 */
export function requireNotConfigured(
  uri: WalletUri,
  namedBy: string,
  configured: string | undefined,
): void {
  const { secret } = uri
  if (configured === undefined || secret === undefined || secret.from === 'uri') return
  const own = readWalletName(configured)
  if ('problem' in own || own.kind === 'none') return
  const place = own.kind === 'reference' ? own.place : own.secret
  if (place === undefined || place.from === 'uri' || !isSamePlace(place, secret, namedBy)) return
  if (own.kind === uri.kind && own.url === uri.url) return
  throw new Failure(
    `${namedBy}: ${describePlace(secret)} is of the wallet in config.yaml, and goes to that alone.`,
    { exitCode: exitCodes.failed, advice },
  )
}

const advice =
  'If the wallet has moved: satway config set wallet URI. If it is another one, it has a secret of its own.'

function isSamePlace(one: HeldPlace, other: HeldPlace, namedBy: string): boolean {
  if (one.from === 'env') return other.from === 'env' && other.name === one.name
  return other.from === 'file' && realOf(one.path, namedBy) === realOf(other.path, namedBy)
}

function realOf(path: string, namedBy: string): string {
  const whole = absolute(path, namedBy)
  return realPathOf(whole) ?? whole
}
