import { basename, relative } from 'node:path'
import type { DemoFiles } from './demo-files.ts'

export type Instruction = { readonly about: string; readonly command: string }
export type Instructions = {
  readonly easy: readonly Instruction[]
  /** One after the other, in one shell or in several. */
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
  readonly sample: string
  readonly walletHeader: string
}): Instructions {
  const { url, walletUrl, files, sample, walletHeader } = place
  const satway = programName()
  const wallet = files.isDefaultWallet ? '' : ` --wallet ${quote(`devnet:${files.walletFile}`)}`
  const data = `-d ${quote(`@${sample}`)}`
  const file = (name: string): string => quote(`${files.folder}/${name}`)
  const at = (name: string): string => quote(`@${files.folder}/${name}`)
  return {
    easy: [
      { about: 'The challenge', command: `curl -i ${url} ${data}` },
      {
        about: 'The challenge, explained',
        command: `curl -si ${url} ${data} | ${satway} decode -`,
      },
      { about: 'The price, checked', command: `${satway} get --dry-run ${url} ${data}${wallet}` },
      { about: 'Pay and get the answer', command: `${satway} get ${url} ${data}${wallet}` },
      { about: 'An invoice, explained', command: `${satway} decode - < ${quote(sample)}` },
    ],
    byHand: [
      {
        about: 'Ask, and keep the challenge',
        command: `curl -s -o ${file('challenge.json')} -D ${file('challenge.txt')} ${url} ${data}`,
      },
      {
        about: 'Take the invoice out of it',
        command: `sed -n 's/.*invoice="\\([^"]*\\)".*/{"invoice":"\\1"}/p' ${file('challenge.txt')} > ${file('order.json')}`,
      },
      {
        about: 'Have the wallet pay it',
        command: `curl -s -H ${quote(`@${walletHeader}`)} -d ${at('order.json')} -o ${file('paid.json')} ${walletUrl}/payinvoice`,
      },
      {
        about: 'Token and preimage make the credential',
        command:
          `printf 'Authorization: L402 %s:%s\\n' ` +
          `"$(sed -n 's/.* token="\\([^"]*\\)".*/\\1/p' ${file('challenge.txt')})" ` +
          `"$(sed -n 's/.*"paymentPreimage":"\\([^"]*\\)".*/\\1/p' ${file('paid.json')})" ` +
          `> ${file('credential.header')}`,
      },
      {
        about: 'Ask again with it. It is good for one call: the second time is 402 again',
        command: `curl -i -H ${at('credential.header')} ${url} ${data}`,
      },
      {
        about: 'What the wallet has left',
        command: `curl -s -H ${quote(`@${walletHeader}`)} ${walletUrl}/info`,
      },
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
