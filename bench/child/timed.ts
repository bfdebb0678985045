import type { Subjects } from '../rounds.ts'

// One subject in a process of its own: is told how many times, and answers with microseconds.
const [, , module = '', name = ''] = process.argv
const { subjects } = (await import(module)) as { readonly subjects: Subjects }
const make = subjects[name]
if (make === undefined) throw new Error(`no subject "${name}" in ${module}`)
const subject = await make()

process.on('message', async (times: number) => {
  const before = process.threadCpuUsage()
  await subject(times)
  const { user, system } = process.threadCpuUsage(before)
  process.send!(user + system)
})
process.send!('ready')
