import { existsSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { L402Error, maxMsat } from 'satway'
import type { PolicyView } from '../schema/index.ts'
import type { Home } from './home.ts'
import { policyNames } from './home.ts'
import type { Narrowing } from './narrowing.ts'
import { narrow } from './narrowing.ts'
import type { PolicyBook } from './policy-book.ts'
import type { FilePolicy } from './policy-rules.ts'
import { builtInPolicy, policyRule } from './policy-rules.ts'
import { wasPolicySeen } from './policy-seen.ts'
import type { Reader, SettingsReading } from './settings-file.ts'
import {
  readAtOnce,
  readerFor,
  readSettings,
  readSettingsSource,
  readSettingsText,
  wholeFile,
} from './settings-file.ts'
import type { Mistake } from './settings-source.ts'
import { formatMistake } from './settings-source.ts'
import { readSettingsFile } from './small-file.ts'

/** How often the file is looked at, at most. */
const lookEveryMs = 200
/** A file that was written as it was read may be written once more within the same tick of its clock. */
const freshMs = 100
/** When the parser of YAML is loaded for a file that may need it one day. */
const preloadMs = 1000
const gone =
  'is not there any more; put it back, or write one to begin with again: satway policy init'
/** Mistakes that an error lists. `satway policy show` lists all. */
const maxListed = 8

/** What the file said when it was read. `file`: `null` for what is built in. */
type Reading = SettingsReading<FilePolicy> & { readonly file: string | null }

/**
 * Opens the operator's policy. What it says is looked up at every payment, so that an edit counts at
 * once; while it is broken, nothing is paid.
 *
 * @param narrowing - What arguments tighten of it.
 * @param elapsedMs - A clock that nobody sets back. Default: the process's.
 * @param loadReader - Loads the parser of YAML.
 * @spec agent.md R-POL-1 to R-POL-10
 */
export async function openPolicyBook(
  home: Pick<Home, 'folder' | 'policyFile'>,
  narrowing: Narrowing = {},
  elapsedMs: () => number = () => performance.now(),
  loadReader: typeof readerFor = readerFor,
): Promise<PolicyBook> {
  const file = home.policyFile
  const isOwnName = policyNames.some((name) => join(home.folder, name) === file)
  let parser: Reader | undefined
  let loading: Promise<void> | undefined
  let wasThere = !isOwnName || wasPolicySeen(home)
  let lookedAtMs = Number.NEGATIVE_INFINITY
  let seen: string | undefined
  let reading: Reading = { file: null, value: builtInPolicy }

  const loadParser = async (): Promise<void> => {
    try {
      parser = await loadReader(file)
      lookedAtMs = Number.NEGATIVE_INFINITY
    } catch {
      loading = undefined // for the next look at the file to try again
    }
    seen = undefined
  }

  const read = (): Reading => {
    const other = otherPolicies(home.folder, file).find((path) => existsSync(path))
    if (other !== undefined) {
      const where = isOwnName ? basename(other) : other
      return broken(file, `is not the only one: there is ${where} too; keep one`)
    }
    const found = readSettingsFile(file)
    if (found === undefined) {
      if (wasThere) return broken(file, isOwnName ? gone : 'is not there')
      return { file: null, value: narrow(builtInPolicy, narrowing) }
    }
    wasThere = true
    if ('problem' in found) return broken(file, found.problem)
    const source = readAtOnce(file, found.text) ?? parser?.(found.text)
    if (source === undefined) {
      loading ??= loadParser()
      return broken(file, 'is new, and is being read; try again')
    }
    const result = readSettingsSource(source, policyRule)
    return 'mistakes' in result
      ? { ...result, file }
      : { file, value: narrow(result.value, narrowing) }
  }

  const look = (): Reading => {
    const nowMs = elapsedMs()
    if (nowMs - lookedAtMs < lookEveryMs) return reading
    lookedAtMs = nowMs
    const { print, isFresh } = fingerprint(home.folder, file)
    if (print === seen) return reading
    reading = read()
    seen = isFresh ? undefined : print
    return reading
  }

  look()
  await loading
  // One call is over by then. What goes on is to find the parser there when it is needed.
  const preload = (): void => {
    loading ??= loadParser()
  }
  setTimeout(preload, preloadMs).unref()
  return {
    current: () => {
      const now = look()
      if ('mistakes' in now) throw unsound(now)
      return now.value
    },
    view: () => viewOf(look()),
  }
}

/** Reads a policy file that need not be the one in force. `undefined`: there is none. */
export async function readPolicyFile(
  file: string,
): Promise<SettingsReading<FilePolicy> | undefined> {
  return await readSettings(file, policyRule)
}

/** Reads the text of a policy file. */
export function readPolicyText(text: string, reader: Reader): SettingsReading<FilePolicy> {
  return readSettingsText(text, reader, policyRule)
}

/** What `satway policy show` shows of a policy. */
export function policyViewOf(policy: FilePolicy, file: string | null): PolicyView {
  return viewOf({ file, value: policy })
}

/** Changes when the file does, and when another one appears that could be meant. */
function fingerprint(
  folder: string,
  file: string,
): { readonly print: string; readonly isFresh: boolean } {
  const others = otherPolicies(folder, file).filter((other) => existsSync(other))
  try {
    const { dev, ino, size, mode, mtimeMs, ctimeMs } = statSync(file)
    const print = [dev, ino, size, mode, mtimeMs, ctimeMs, ...others].join(' ')
    return { print, isFresh: Math.abs(Date.now() - mtimeMs) < freshMs }
  } catch (error) {
    return { print: [(error as NodeJS.ErrnoException).code, ...others].join(' '), isFresh: false }
  }
}

/** A second policy would be silently ignored, and it could be the stricter one. */
function otherPolicies(folder: string, file: string): readonly string[] {
  return [...policyNames, 'policy.yml']
    .map((name) => join(folder, name))
    .filter((other) => other !== file)
}

function broken(file: string, message: string): Reading {
  return { file, mistakes: [wholeFile(message)] }
}

function unsound({
  file,
  mistakes,
}: {
  readonly file: string | null
  readonly mistakes: readonly Mistake[]
}): L402Error {
  const listed = mistakes
    .slice(0, maxListed)
    .map((mistake) => [mistake.path || 'policy', formatMistake({ ...mistake, path: '' })] as const)
  return new L402Error('CONFIG_INVALID', { ...Object.fromEntries(listed), file: file ?? '' })
}

function viewOf(reading: Reading): PolicyView {
  const policy: Partial<FilePolicy> = 'value' in reading ? reading.value : {}
  const mistakes = 'mistakes' in reading ? reading.mistakes : []
  const { askAboveMsat } = policy
  return {
    file: reading.file,
    inForce: mistakes.length === 0,
    mistakes: mistakes.map((mistake) => ({
      path: mistake.path,
      message: formatMistake({ ...mistake, path: '' }),
    })),
    perPaymentMsat: digits(policy.maxPaymentMsat),
    maxFeeMsat: digits(policy.maxFeeMsat),
    perHourMsat: digits(policy.perHourMsat),
    perDayMsat: digits(policy.perDayMsat),
    perHostMsat: digits(policy.perHostMsat),
    totalMsat: digits(policy.maxTotalMsat),
    // All the money there is: nothing is asked for its price.
    autoUpToMsat: askAboveMsat === maxMsat ? null : digits(askAboveMsat),
    newHosts: mistakes.length > 0 ? null : (policy.newHosts ?? 'allow'),
    allowHosts: mutable(policy.allowHosts),
    denyHosts: mutable(policy.denyHosts) ?? [],
    allowPayees: mutable(policy.payees),
    denyPayees: mutable(policy.denyPayees) ?? [],
    networks: mutable(policy.networks),
    invoices: policy.allowInvoices ?? false,
  }
}

function digits(amountMsat: bigint | undefined): string | null {
  return amountMsat === undefined ? null : String(amountMsat)
}

function mutable(list: readonly string[] | undefined): string[] | null {
  return list === undefined ? null : [...list]
}
