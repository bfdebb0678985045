import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'

/** What is missing for tests with curl, or `undefined`. */
export function curlLack(): string | undefined {
  const { stdout, error } = spawnSync('curl', ['--version'], { encoding: 'utf8' })
  if (error !== undefined) return 'curl is not installed'
  return stdout.includes('HTTP2') ? undefined : 'curl has no HTTP/2'
}

export type CurlEnd = {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs curl to its end: quiet, at most 20 seconds, and without the settings of a user. */
export async function curl(...args: readonly string[]): Promise<CurlEnd> {
  const child = startCurl(...args)
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (part: Buffer) => {
    stdout += part.toString('latin1')
  })
  child.stderr.on('data', (part: Buffer) => {
    stderr += part.toString('utf8')
  })
  await once(child, 'close')
  return { code: child.exitCode, stdout, stderr }
}

/** Starts curl, for who reads its output as it comes. */
export function startCurl(...args: readonly string[]): ReturnType<typeof spawnPiped> {
  return spawnPiped(args)
}

const spawnPiped = (args: readonly string[]) =>
  spawn('curl', ['-q', '--silent', '--show-error', '--max-time', '20', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
