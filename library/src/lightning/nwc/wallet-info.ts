import type { Encryption, NostrEvent } from '../nostr/index.ts'

/** What a wallet says of itself to everybody, in its info event. */
export type WalletInfo = {
  /** What may be asked of it. `undefined`: it does not say. */
  readonly methods: ReadonlySet<string> | undefined
  /** What it tells without being asked. */
  readonly notifications: ReadonlySet<string>
  readonly encryption: Encryption
  /** How a request says how it is encrypted. */
  readonly encryptionTag: readonly string[]
}

/**
 * Of a wallet that has published nothing: NIP-47 says that it then speaks NIP-04, and what may be asked
 * nobody knows.
 */
export const nothingSaid: WalletInfo = {
  methods: undefined,
  notifications: new Set(),
  encryption: 'nip04',
  encryptionTag: ['encryption', 'nip04'],
}

/** Reads an info event (kind 13194). Total. */
export function readInfo({ tags, content }: NostrEvent): WalletInfo {
  const words = wordsOf(content)
  const encryptions = tagWords(tags, 'encryption')
  const versions = tagWords(tags, 'v')
  return {
    methods: words.size === 0 ? undefined : words,
    notifications: tagWords(tags, 'notifications') ?? new Set(),
    ...speaks(encryptions, versions),
  }
}

/** Drafts from before the tag `encryption` told versions: 1.0 is NIP-44, 0.0 is NIP-04. */
function speaks(
  encryptions: ReadonlySet<string> | undefined,
  versions: ReadonlySet<string> | undefined,
): Pick<WalletInfo, 'encryption' | 'encryptionTag'> {
  if (encryptions?.has('nip44_v2') === true) {
    return { encryption: 'nip44_v2', encryptionTag: ['encryption', 'nip44_v2'] }
  }
  if (encryptions === undefined && versions?.has('1.0') === true) {
    return { encryption: 'nip44_v2', encryptionTag: ['v', '1.0'] }
  }
  return { encryption: 'nip04', encryptionTag: nothingSaid.encryptionTag }
}

function tagWords(tags: NostrEvent['tags'], name: string): ReadonlySet<string> | undefined {
  const tag = tags.find((one) => one[0] === name)
  return tag === undefined ? undefined : wordsOf(tag.slice(1).join(' '))
}

/** Wallets put commas between them as well. */
function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.split(/[\s,]+/).filter((word) => /^[a-z0-9_.]{1,40}$/i.test(word)))
}
