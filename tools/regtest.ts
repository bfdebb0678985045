import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Member } from '../test/regtest/network.ts'
import { startRegtest, walletUri } from '../test/regtest/network.ts'
import { buildPrograms } from '../test/regtest/programs.ts'

// `npm run regtest`: a real Bitcoin and Lightning network on this machine, until Ctrl-C.

const say = (line: string): void => void process.stderr.write(`${line}\n`)
const programs = await buildPrograms(say)
if ('lack' in programs) {
  say(`The network cannot be started: ${programs.lack}.`)
  say('It needs Go 1.25 or newer (https://go.dev/dl), and builds lnd and btcd with it once.')
  process.exit(1)
}

const network = await startRegtest(programs, say)
const isBuilt = existsSync(join(import.meta.dirname, '../program/bundle/main.js'))
const { buyer, hop, seller } = network
process.stdout.write(`
Ready in ${Math.round(network.readyMs / 1000)} s: buyer — hop — seller, with 15 000 000 sat in each of two channels.
The money is worthless. Everything is on 127.0.0.1, in ${network.folder}, and ends with this program.

Sell something, in a second terminal${isBuilt ? '' : ' (after npm run build)'}. What is sold here are the files of a folder:

  python3 -m http.server --bind 127.0.0.1 3000 &
  npx satway gateway --upstream http://127.0.0.1:3000 --price 10sat \\
    --wallet '${walletUri(seller, 'receive')}'

Buy it, in a third:

  export SATWAY_HOME=${buyer.home}
  npx satway get --wallet '${walletUri(buyer, 'pay')}' \\
    http://127.0.0.1:8402/

Ask a node as its owner:

${[buyer, hop, seller].map(describe).join('\n')}

Type a number and Enter to mine so many blocks. Ctrl-C ends it.
`)

process.stdin.setEncoding('utf8').on('data', (text: string) => {
  const blocks = Number(text.trim())
  if (!Number.isInteger(blocks) || blocks < 1 || blocks > 1000) {
    say('A number from 1 to 1000, please.')
    return
  }
  network.mine(blocks).then(
    () => say(`Mined ${blocks}.`),
    (error: unknown) => say(String(error)),
  )
})
let isEnding = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, async () => {
    if (isEnding) return
    isEnding = true
    await network.close()
    process.exit(0)
  })
}

function describe({ name, port, certificateFile, files }: Member): string {
  return `  ${name}:  curl --cacert ${certificateFile} \\
    -H "Grpc-Metadata-macaroon: $(od -An -vtx1 ${files.admin} | tr -d ' \\n')" \\
    https://127.0.0.1:${port}/v1/getinfo`
}
