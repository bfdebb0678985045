import { createApprovals } from '../../library/src/journal/approval-book.ts'
import { openDatabase } from '../../library/src/journal/database.ts'
import { proposalOf } from './proposal.ts'

// Asks about the same purchases again and again, for approval-book.test.ts, and prints which
// approvals it took: FILE PURCHASES ROUNDS

const [file = '', purchases = '0', rounds = '0'] = process.argv.slice(2)
const database = await openDatabase(file)
const approvals = createApprovals(database, { now: () => 0 })
const taken: string[] = []
for (let round = 0; round < Number(rounds); round++) {
  const asked = Array.from({ length: Number(purchases) }, (_, n) =>
    approvals.ask(proposalOf({ url: `https://a.example/${n}` }), 0),
  )
  for (const { status, id } of await Promise.all(asked)) if (status === 'approved') taken.push(id)
}
await database.close()
process.stdout.write(JSON.stringify(taken))
