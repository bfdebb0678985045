import { basename, relative } from 'node:path'
import type { DemoFiles } from './demo-files.ts'

export type Instruction = { readonly about: string | undefined; readonly command: string }
export type Instructions = {
  readonly easy: readonly Instruction[]
  /** One after the other, in one shell. Needs `invoice.txt` and `wallet.header` in the folder. */
  readonly byHand: readonly Instruction[]
}

/**
 * Commands for a second terminal. Each works as it stands. None carries a secret, and none puts one
 * on the screen or into the list of processes: headers with secrets go through files of mode 0600.
 */
export function instructionsFor(place: {
  readonly url: string
  readonly walletUrl: string
  readonly files: DemoFiles
  /** The file with the invoice to decode. */
  readonly sample: string
}): Instructions {
  const { url, walletUrl, files, sample } = place
  const satway = programName()
  const wallet = files.isDefaultWallet ? '' : ` --wallet ${quote(`devnet:${files.walletFile}`)}`
  const data = `-d ${quote(`@${sample}`)}`
  return {
    easy: [
      { about: 'The challenge', command: `curl -i ${url} ${data}` },
      {
        about: 'The challenge, explained',
        command: `curl -si ${url} ${data} | ${satway} decode -`,
      },
      { about: 'The price, checked', command: `${satway} get --dry-run ${url} ${data}${wallet}` },
      { about: 'Pay, and get the answer', command: `${satway} get ${url} ${data}${wallet}` },
      { about: 'An invoice, explained', command: `${satway} decode - < ${quote(sample)}` },
    ],
    byHand: [
      { about: 'Where the files are', command: `cd ${quote(files.folder)}` },
      {
        about: 'Ask, and keep the challenge',
        command: `curl -s -o 402.json -D 402.txt ${url} -d @invoice.txt`,
      },
      {
        about: 'Give its invoice to the wallet …',
        command: `sed -n 's/.*invoice="\\([^"]*\\)".*/{"invoice":"\\1"}/p' 402.txt > order.json`,
      },
      {
        about: '… which pays it',
        command: `curl -s -H @wallet.header -d @order.json -o paid.json ${walletUrl}/payinvoice`,
      },
      {
        about: 'Token and preimage …',
        command: `token=$(sed -n 's/.* token="\\([^"]*\\)".*/\\1/p' 402.txt)`,
      },
      {
        about: undefined,
        command: `preimage=$(sed -n 's/.*"paymentPreimage":"\\([^"]*\\)".*/\\1/p' paid.json)`,
      },
      {
        about: '… make the credential …',
        command: `printf 'Authorization: L402 %s:%s\\n' "$token" "$preimage" > credential.header`,
      },
      {
        about: '… which is good for one call: the second time it is 402 again',
        command: `curl -i -H @credential.header ${url} -d @invoice.txt`,
      },
      {
        about: 'What the wallet has left',
        command: `curl -s -H @wallet.header ${walletUrl}/info`,
      },
      { about: 'Back to where you were', command: 'cd -' },
    ],
  }
}

/** How whoever runs this can run it again. */
function programName(): string {
  if (process.env['npm_execpath'] !== undefined) return 'npx satway'
  const script = process.argv[1] ?? 'satway'
  if (!script.endsWith('.js')) return basename(script)
  const path = relative(process.cwd(), script)
  return `node ${quote(path.startsWith('..') ? script : path)}`
}

/** For a POSIX shell. Plain words stay as they are. */
export function quote(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text
  return `'${text.replaceAll("'", `'\\''`)}'`
}
