// `satway wallet serve` from its sources, as a process of its own: what is killed must be real.
import { readCommandLine } from '../../program/src/cli/command.ts'
import { explain } from '../../program/src/cli/explain.ts'
import { walletServe } from '../../program/src/cli/wallet-serve.ts'

const end = walletServe.run(readCommandLine(walletServe, process.argv.slice(2)))
process.exitCode = await end.catch((error: unknown) => explain(error, walletServe))
