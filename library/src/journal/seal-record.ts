import { unusable } from './unusable.ts'

/** Where a key is: in the file beside the journal, with the caller, or in a system's keychain. */
export type KeyKind = 'file' | 'own' | 'security' | 'secret-tool' | 'dpapi'

/** What a journal remembers about its key. Nothing in it is secret. */
export type SealRecord = {
  readonly kind: KeyKind
  /** What a keychain needs to find the key again. */
  readonly reference: string
  /** A known text under the key, base64. */
  readonly check: string
}

const kinds: ReadonlySet<string> = new Set<KeyKind>([
  'file',
  'own',
  'security',
  'secret-tool',
  'dpapi',
])

export function formatSealRecord({ kind, reference, check }: SealRecord): string {
  return JSON.stringify({ kind, reference, check })
}

/** @throws {L402Error} JOURNAL_UNUSABLE for anything that {@link formatSealRecord} does not write. */
export function readSealRecord(text: string): SealRecord {
  const { kind, reference, check } = fieldsOf(text)
  if (typeof kind !== 'string' || !kinds.has(kind)) throw damaged()
  if (typeof reference !== 'string' || typeof check !== 'string') throw damaged()
  return { kind: kind as KeyKind, reference, check }
}

function fieldsOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Said below.
  }
  throw damaged()
}

function damaged(): Error {
  return unusable(
    'seal-record',
    'what the journal remembers about its key is damaged; put a copy of the journal back',
  )
}
