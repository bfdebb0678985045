import { closeSync, existsSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { Home } from './home.ts'
import { policyNames } from './home.ts'

/** Whether a policy file of this home was in force at some time: to remove it must not widen anything. */
export function wasPolicySeen({ folder }: Pick<Home, 'folder'>): boolean {
  return existsSync(markOf(folder))
}

/**
 * Remembers beside the policy that there was one. Where nothing can be written there, there is no
 * journal either, and nothing is paid.
 *
 * @spec agent.md R-POL-15
 */
export function rememberPolicy({ folder, policyFile }: Pick<Home, 'folder' | 'policyFile'>): void {
  const isOwnName = policyNames.some((name) => join(folder, name) === policyFile)
  if (!isOwnName || !existsSync(policyFile) || existsSync(markOf(folder))) return
  try {
    closeSync(openSync(markOf(folder), 'wx', 0o600))
  } catch {
    // Another process was faster, or the folder cannot be written to.
  }
}

function markOf(folder: string): string {
  return join(folder, 'policy.seen')
}
