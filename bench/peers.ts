import { readFileSync } from 'node:fs'

/** `macaroon 3.0.4`: a peer is named with the version that is installed. */
export function peer(name: string): string {
  const path = new URL(`../node_modules/${name}/package.json`, import.meta.url)
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string }
  return `${name} ${version}`
}

export const ours = 'satway'
